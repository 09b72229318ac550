#include "harness/engine/process_limits.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "harness/base/check.h"

namespace trireme {
namespace {

// A process that sleeps until this ends; a child of its own, which starts when it is asked for, does so too.
class Sleeper {
 public:
  Sleeper() {
    TRIREME_CHECK(::pipe(ask_.data()) == 0 && ::pipe(answer_.data()) == 0);
    process_ = ::fork();
    TRIREME_CHECK(process_ >= 0);
    if (process_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (char byte = 0; ::read(ask_[0], &byte, 1) == 1;) {
      pid_t child = ::fork();
      if (child == 0)
        for (;;) ::pause();
      if (::write(answer_[1], &child, sizeof(child)) != sizeof(child)) ::_exit(1);
    }
    ::_exit(0);
  }
  ~Sleeper() {
    for (const pid_t child : children_) ::kill(child, SIGKILL);
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    for (const int fd : {ask_[0], ask_[1], answer_[0], answer_[1]}) ::close(fd);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  pid_t process() const { return process_; }
  pid_t StartChild() {
    pid_t child = 0;
    TRIREME_CHECK(::write(ask_[1], "c", 1) == 1);
    TRIREME_CHECK(::read(answer_[0], &child, sizeof(child)) == sizeof(child));
    children_.push_back(child);
    return child;
  }

 private:
  std::array<int, 2> ask_{}, answer_{};
  pid_t process_ = 0;
  std::vector<pid_t> children_;
};

rlim_t FilesOf(pid_t process) {
  rlimit now{};
  return ::prlimit(process, RLIMIT_NOFILE, nullptr, &now) == 0 ? now.rlim_cur : 0;
}

void SetFilesOf(pid_t process, rlim_t files) {
  rlimit now{};
  TRIREME_CHECK(::prlimit(process, RLIMIT_NOFILE, nullptr, &now) == 0);
  now.rlim_cur = files;
  TRIREME_CHECK(::prlimit(process, RLIMIT_NOFILE, &now, nullptr) == 0);
}

class ProcessLimitsTest : public ::testing::Test {
 protected:
  ProcessLimitsTest() { SetFilesOf(sleeper_.process(), 400); }
  pid_t process() const { return sleeper_.process(); }
  bool Lower(uint64_t files) { return limits_.Lower(RLIMIT_NOFILE, files).ok(); }
  void GiveBack(uint64_t files) { limits_.GiveBack(RLIMIT_NOFILE, files); }

  Sleeper sleeper_;
  ProcessLimits limits_{sleeper_.process()};
};

TEST_F(ProcessLimitsTest, OfTwoTheLowerHoldsAndAfterBothWhatWas) {
  for (const auto& [first, second] : {std::pair<uint64_t, uint64_t>{100, 50}, {50, 100}}) {
    EXPECT_TRUE(Lower(100));
    EXPECT_EQ(FilesOf(process()), 100U);
    EXPECT_TRUE(Lower(50));
    EXPECT_EQ(FilesOf(process()), 50U);
    GiveBack(first);
    EXPECT_EQ(FilesOf(process()), second);
    GiveBack(second);
    EXPECT_EQ(FilesOf(process()), 400U);
  }
}

TEST_F(ProcessLimitsTest, WhoHasLessKeepsThatAndSoDoesWhoHasAsMuch) {
  const pid_t less = sleeper_.StartChild(), same = sleeper_.StartChild();
  SetFilesOf(less, 200);
  SetFilesOf(same, 300);
  EXPECT_TRUE(Lower(300));
  EXPECT_EQ(FilesOf(less), 200U);
  GiveBack(300);
  EXPECT_EQ(FilesOf(less), 200U);
  EXPECT_EQ(FilesOf(same), 300U);
  EXPECT_EQ(FilesOf(process()), 400U);
}

TEST_F(ProcessLimitsTest, WhatWasStartedMeanwhileGetsWhatItsStarterHad) {
  EXPECT_TRUE(Lower(100));
  const pid_t child = sleeper_.StartChild();
  EXPECT_EQ(FilesOf(child), 100U);
  EXPECT_TRUE(Lower(50));
  GiveBack(50);
  EXPECT_EQ(FilesOf(child), 100U);
  GiveBack(100);
  EXPECT_EQ(FilesOf(child), 400U);
}

TEST_F(ProcessLimitsTest, WhatAProgramSetsMeanwhileStays) {
  EXPECT_TRUE(Lower(100));
  SetFilesOf(process(), 70);
  GiveBack(100);
  EXPECT_EQ(FilesOf(process()), 70U);
}

TEST_F(ProcessLimitsTest, WhereNobodyHasMoreNothingIsLimited) {
  EXPECT_FALSE(Lower(400));
  GiveBack(400);
  EXPECT_EQ(FilesOf(process()), 400U);
}

}  // namespace
}  // namespace trireme
