#include "harness/engine/trial.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <tuple>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

constexpr int64_t kSecond = kNanosecondsPerSecond;

// A trial that this test is the runner of. Time is what the tests say: nothing of it passes by itself.
class TrialTest : public testing::Test {
 protected:
  TrialTest() {
    cell_.id = "cell";
    cell_.timeout = 30 * kSecond;
    Result<std::pair<Channel, Channel>> pair = Channel::MakePair();
    EXPECT_TRUE(pair.ok());
    std::tie(engine_, runner_) = *std::move(pair);
    EXPECT_TRUE(trial_.Prepare().ok());
  }

  void Send() { ASSERT_TRUE(trial_.Send(engine_).ok()); }
  // This process stands for that of the trial.
  void Start() {
    Packet packet{.message = {{"type", "started"}, {"pid", ::getpid()}}, .descriptors = {}};
    packet.descriptors.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    ASSERT_TRUE(trial_.OnStarted(packet).ok());
  }

  // When the recording says that the trial began.
  int64_t Begin() {
    const Result<std::string> bytes = ReadFile(folder_.path() + "/0/history.ring");
    EXPECT_TRUE(bytes.ok());
    trireme_header header{};
    std::memcpy(&header, bytes->data(), sizeof(header));
    return static_cast<int64_t>(header.begin_time);
  }
  double SecondsOfOneThatEnded(int64_t time) {
    Packet packet{.message = {{"type", "ended"}, {"pid", ::getpid()}, {"status", 0}, {"time", time}},
                  .descriptors = {}};
    EXPECT_TRUE(trial_.OnEnded(packet).ok());
    const Result<FinishedTrial> finished = trial_.Finish();
    EXPECT_TRUE(finished.ok());
    return finished->seconds;
  }

  TemporaryDirectory folder_;
  Poller poller_;
  const Trial::Services services_{.poller = poller_,
                                  .launch = nullptr,
                                  .end = nullptr,
                                  .guardian = [] { return pid_t{0}; },
                                  .debugger = "",
                                  .patience = {}};
  PlannedCell cell_;
  Channel engine_, runner_;
  Trial trial_{services_, cell_, {.name = "attempt", .directory = folder_.path() + "/0"}};
};

// A trial that a fault of the harness befalls, started but not yet at its workload's first statement.
class FaultyTrialTest : public TrialTest {
 protected:
  Trial& Begin(const char* key, const Json& members) {
    cell_.fault_plan = {{"name", "plan"},
                        {"summary", ""},
                        {"all", {{{"name", "fault"}, {key, members}}}}};
    faulty_.emplace(services_, cell_,
                    TrialSetting{.name = "faulty", .directory = folder_.path() + "/1"});
    EXPECT_TRUE(faulty_->Prepare().ok());
    EXPECT_TRUE(faulty_->Send(engine_).ok());
    Packet packet{.message = {{"type", "started"}, {"pid", ::getpid()}}, .descriptors = {}};
    packet.descriptors.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    EXPECT_TRUE(faulty_->OnStarted(packet).ok());
    return *faulty_;
  }
  // As the runner does where it was told to hold the workload: see PROTOCOL.md.
  void ReachTheFirstStatement() {
    Result<std::optional<Packet>> sent = runner_.Receive();
    ASSERT_TRUE(sent.ok() && sent->has_value());
    ASSERT_EQ((*sent)->descriptors.size(), 5U) << "the workload was not held";
    ASSERT_EQ(::write((*sent)->descriptors[3].get(), "h", 1), 1);
    poller_.Wait(kNever);
  }

  std::optional<Trial> faulty_;
};

// However long the runtime takes to start: the limit is none of its own, nor of what the harness looks at before.
TEST_F(FaultyTrialTest, IsLimitedWhenTheWorkloadHasRunForSoLong) {
  Trial& trial = Begin("resource", {{"nofile", 64}, {"after", kSecond}});
  EXPECT_GT(trial.deadline(), SystemClock().Now() + 10 * kSecond) << "it counts already";
  const int64_t before = SystemClock().Now();
  ReachTheFirstStatement();
  EXPECT_GE(trial.deadline(), before + kSecond);
  EXPECT_LE(trial.deadline(), SystemClock().Now() + kSecond);
}

// The harness was told of its start so long after it.
TEST_F(FaultyTrialTest, IsLimitedLaterByWhatTheHarnessWasAway) {
  Trial& trial = Begin("resource", {{"nofile", 64}, {"after", kSecond}});
  ReachTheFirstStatement();
  const int64_t before = trial.deadline();
  trial.Postpone(5 * kSecond);
  EXPECT_EQ(trial.deadline() - before, 5 * kSecond);
}

// The workload waits there.
TEST_F(FaultyTrialTest, IsLookedAtForAnEventAtOnce) {
  Trial& trial = Begin("process", {{"signal", "CONT"}, {"event", "op:a"}});
  const int64_t before = trial.deadline();
  trial.Postpone(5 * kSecond);
  EXPECT_EQ(trial.deadline(), before);
}

TEST_F(TrialTest, BreaksARunnerThatDoesNotStartInTime) {
  Send();
  const int64_t deadline = trial_.deadline();
  trial_.OnTime(deadline - 1);
  EXPECT_EQ(trial_.broken(), "");
  trial_.OnTime(deadline);
  EXPECT_EQ(trial_.broken(), "the runner did not start the trial within 10s");
}

// What the loop did meanwhile kept it from reading that the trial had started.
TEST_F(TrialTest, GivesARunnerTheTimeThatTheLoopWasAway) {
  Send();
  const int64_t deadline = trial_.deadline();
  trial_.Postpone(3 * kSecond);
  EXPECT_EQ(trial_.deadline(), deadline + 3 * kSecond);
  trial_.OnTime(deadline + 3 * kSecond - 1);
  EXPECT_EQ(trial_.broken(), "");
  trial_.OnTime(deadline + 3 * kSecond);
  EXPECT_NE(trial_.broken(), "");
}

TEST_F(TrialTest, GivesTheWorkloadTheTimeThatTheLoopWasAway) {
  Send();
  Start();
  const int64_t deadline = trial_.deadline();
  trial_.Postpone(3 * kSecond);
  trial_.Postpone(kSecond);
  EXPECT_EQ(trial_.deadline(), deadline + 4 * kSecond);
  trial_.OnTime(deadline + 4 * kSecond - 1);
  EXPECT_EQ(trial_.deadline(), deadline + 4 * kSecond) << "it timed out";
}

// It started, and may have ended, while nobody read that: its end is read next.
TEST_F(TrialTest, GivesTheWorkloadTheTimeThatTheLoopWasAwayBeforeItHeardOfTheStart) {
  constexpr int64_t kAway = 1000 * kSecond;
  Send();
  trial_.Postpone(kAway);
  Start();
  EXPECT_GT(trial_.deadline(), SystemClock().Now() + kAway / 2);
}

// Its process ended before the loop came to read so.
TEST_F(TrialTest, TakesTheTimeThatItsProcessTook) {
  Send();
  Start();
  EXPECT_EQ(SecondsOfOneThatEnded(Begin() + 1000), 1e-6);
}

TEST_F(TrialTest, TakesNoTimeThatCannotBe) {
  Send();
  Start();
  EXPECT_GT(SecondsOfOneThatEnded(Begin() - 1000), 0);
}

TEST_F(TrialTest, TakesNoTimeThatIsStillToCome) {
  Send();
  Start();
  EXPECT_LT(SecondsOfOneThatEnded(Begin() + 1'000'000 * kSecond), 1'000'000);
}

TEST_F(TrialTest, GivesNoDeadlineToWhatHasNone) {
  trial_.Postpone(kSecond);
  EXPECT_EQ(trial_.deadline(), kNever);
}

}  // namespace
}  // namespace trireme
