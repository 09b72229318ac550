#include "harness/engine/guardian.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <string>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/engine/pipe_reader.h"
#include "harness/engine/process_table.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

using Kind = GuardianReport::Kind;
using ::testing::HasSubstr;

class GuardianTest : public ::testing::Test {
 protected:
  GuardianTest() {
    ::getrlimit(RLIMIT_NOFILE, &files_);
    Result<Guardian> started = Guardian::Start({.files = files_});
    TRIREME_CHECK(started.ok());
    guardian_.emplace(*std::move(started));
  }
  ~GuardianTest() override {
    guardian_.reset();
    EXPECT_TRUE(DescendantsOf(::getpid(), ReadProcessTable()).empty());
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  // Starts a program and gives what the guardian answers.
  GuardianReport Launch(const std::vector<std::string>& argv, int output = -1) {
    const Result<uint64_t> token = guardian_->Launch({.argv = argv, .output = output});
    TRIREME_CHECK(token.ok());
    GuardianReport report = Next();
    EXPECT_EQ(report.token, *token);
    return report;
  }
  GuardianReport Next() {
    const std::optional<GuardianReport> report = guardian_->Receive();
    TRIREME_CHECK(report.has_value());
    return *report;
  }
  // How many processes; one is the guardian's second.
  size_t Below() const { return DescendantsOf(guardian_->pid(), ReadProcessTable()).size(); }
  std::string OutputOf(const std::vector<std::string>& argv) {
    PipeText output(4096);
    {
      Result<UniqueFd> end = output.Open();
      TRIREME_CHECK(end.ok());
      Launch(argv, end->get());
    }
    Next();
    output.Read();
    return output.text();
  }

  rlimit files_{};
  std::optional<Guardian> guardian_;
};

TEST_F(GuardianTest, TellsHowAProgramEnded) {
  const GuardianReport started = Launch({"/bin/sh", "-c", "exit 3"});
  ASSERT_EQ(started.kind, Kind::kStarted);
  const GuardianReport exited = Next();
  EXPECT_EQ(exited.kind, Kind::kExited);
  EXPECT_EQ(exited.pid, started.pid);
  EXPECT_EQ(WEXITSTATUS(exited.status), 3);
}

TEST_F(GuardianTest, TellsWhyAProgramDoesNotStart) {
  const GuardianReport report = Launch({"/nonexistent"});
  EXPECT_EQ(report.kind, Kind::kFailed);
  EXPECT_EQ(report.error, ENOENT);
}

TEST_F(GuardianTest, GivesAProgramOnlyItsDescriptors) {
  EXPECT_EQ(
      OutputOf({"/bin/sh", "-c",
                "for n in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && echo $n; done; echo end"}),
      "end\n");
}

TEST_F(GuardianTest, StartsAProgramInASessionOfItsOwn) {
  EXPECT_EQ(OutputOf({"/bin/sh", "-c", "set -- $(cat /proc/$$/stat); [ $6 = $$ ] && echo own"}),
            "own\n");
}

TEST_F(GuardianTest, EndsAProgramWithAllBelowIt) {
  const GuardianReport started = Launch({"/bin/sh", "-c", "setsid sleep 1000 & sleep 1000"});
  ASSERT_TRUE(guardian_->End(started.pid).ok());
  EXPECT_EQ(Next().kind, Kind::kExited);
  EXPECT_EQ(Below(), 1U);
}

TEST_F(GuardianTest, EndsWhatAProgramLeavesBehindBeforeItTells) {
  // Not before its command line is its own: in the middle of an exec it is empty.
  Launch({"/bin/sh", "-c",
          "setsid sleep 1000 & until grep -qa ^sleep /proc/$!/cmdline; do :; done; exit 0"});
  const GuardianReport exited = Next();
  ASSERT_EQ(exited.orphans.size(), 1U);
  EXPECT_THAT(GetString(exited.orphans[0], "command"), HasSubstr("sleep 1000"));
  EXPECT_EQ(Below(), 1U);
}

TEST_F(GuardianTest, StopEndsEverything) {
  Launch({"/bin/sh", "-c", "setsid sleep 1000 & sleep 1000"});
  guardian_->Stop();
}

TEST_F(GuardianTest, StopEndsWhatAKilledGuardianSetFree) {
  Launch({TRIREME_FAKE_RUNNER, "ignore-sigterm"});
  ::kill(guardian_->pid(), SIGKILL);
  guardian_->Stop();
}

// Forked processes share what none of them writes.
TEST(ProcessTableTest, CountsSharedPagesOnceWhereTheirSumIsOverTheLimit) {
  constexpr int64_t kSize = 32 << 20;
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string data(kSize, 'x');
    for (int i = 0; i < 4; ++i)
      if (::fork() == 0) break;
    (void)!::write(ready[1], data.data(), 1);
    ::pause();
  }
  std::array<char, 5> told{};
  for (size_t size = 0; size < told.size();) {
    const ssize_t got = ::read(ready[0], told.data(), told.size() - size);
    ASSERT_GT(got, 0);
    size += static_cast<size_t>(got);
  }
  const int64_t sum = ResidentBytesOfTree(child, std::numeric_limits<int64_t>::max());
  EXPECT_GT(sum, 5 * kSize);
  // Not equal to it: the children still fault in a page or two on their way into pause().
  EXPECT_GT(ResidentBytesOfTree(child, 2 * sum), 5 * kSize);
  // A sanitizer's shadow of what is shared is not shared as far.
  const int64_t limit = kAddressSanitizer || kThreadSanitizer ? sum / 2 : 2 * kSize;
  EXPECT_GT(ResidentBytesOfTree(child, limit), kSize);
  EXPECT_LT(ResidentBytesOfTree(child, limit), limit);
  for (const ProcessInfo& process : DescendantsOf(child, ReadProcessTable()))
    ::kill(process.pid, SIGKILL);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (const int end : ready) ::close(end);
}

// A child that this process had before there was a guardian, as a program has that a shell became,
// and one of that child's, which the shell leaves behind.
TEST(GuardianWithEarlierChildrenTest, StopLeavesThemAlone) {
  for (const bool killed : {false, true}) {
    const pid_t earlier = ::fork();
    if (earlier == 0) {
      if (::fork() == 0) ::execl("/bin/sleep", "sleep", "1000", nullptr);
      ::pause();
    }
    while (DescendantsOf(earlier, ReadProcessTable()).empty()) ::usleep(1000);
    const pid_t below = DescendantsOf(earlier, ReadProcessTable()).front().pid;
    ::usleep(20'000);  // processes are told by their age, in hundredths of a second
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    Result<Guardian> guardian = Guardian::Start({.files = files});
    ASSERT_TRUE(guardian.ok());
    if (killed) ::kill(guardian->pid(), SIGKILL);
    guardian->Stop();
    EXPECT_EQ(DescendantsOf(::getpid(), ReadProcessTable()).size(), 2U) << killed;
    ::kill(earlier, SIGKILL);
    ::waitpid(earlier, nullptr, 0);  // `below` is this process's child now
    Result<Guardian> second = Guardian::Start({.files = files});
    ASSERT_TRUE(second.ok());
    if (killed) ::kill(second->pid(), SIGKILL);
    second->Stop();
    EXPECT_EQ(::kill(below, 0), 0) << killed;
    ::kill(below, SIGKILL);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
    ::waitpid(below, nullptr, 0);
  }
}

TEST_F(GuardianTest, StopEndsAForkBomb) {
  Launch({TRIREME_FAKE_RUNNER, "fork-bomb"});
  ::usleep(100'000);
  const int64_t begin = SystemClock().Now();
  guardian_->Stop();
  // Left alone it goes on for about two seconds; how long its end took is no assertion.
  RecordProperty("seconds", FormatDuration(SystemClock().Now() - begin));
  std::printf("a fork bomb was ended within %s\n",
              FormatDuration(SystemClock().Now() - begin).c_str());
}

}  // namespace
}  // namespace trireme
