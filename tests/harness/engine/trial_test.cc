#include "harness/engine/trial.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tuple>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"

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

TEST_F(TrialTest, GivesNoDeadlineToWhatHasNone) {
  trial_.Postpone(kSecond);
  EXPECT_EQ(trial_.deadline(), kNever);
}

}  // namespace
}  // namespace trireme
