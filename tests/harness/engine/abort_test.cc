// A run that is ended from outside takes back what its faults did, whichever way it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/engine/process_table.h"
#include "harness/engine/thread_group.h"

namespace trireme {
namespace {

constexpr int64_t kPatience = 60 * kNanosecondsPerSecond;

// Orphans come to us.
class AbortTest : public ::testing::Test {
 protected:
  AbortTest() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~AbortTest() override {
    EndChildren(kPatience);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  // With a trial that suffers all faults by now.
  void Start() {
    harness_ = ::fork();
    ASSERT_GE(harness_, 0);
    if (harness_ == 0) {
      ::execl(TRIREME_FAULT_HARNESS, TRIREME_FAULT_HARNESS, run_.path().c_str(), nullptr);
      ::_exit(127);
    }
    ASSERT_TRUE(
        Comes([this] { return Finds([](const ProcessInfo& each) { return each.state == 'T'; }); }));
    EXPECT_TRUE(Comes([this] {  // it names itself a moment after it is there
      return Finds([](const ProcessInfo& each) { return each.name == "trireme-spin"; });
    }));
    EXPECT_EQ(HasGroup(), ThreadGroupProblem().empty());
  }

  template <typename Condition>
  static bool Comes(const Condition& condition) {
    const int64_t give_up = SystemClock().Now() + kPatience;
    while (!condition()) {
      if (SystemClock().Now() > give_up) return false;
      ::usleep(2000);
    }
    return true;
  }

  template <typename Condition>
  bool Finds(const Condition& condition) const {
    const std::vector<ProcessInfo> below = DescendantsOf(harness_, ReadProcessTable());
    return std::any_of(below.begin(), below.end(), condition);
  }

  // Of a harness, by its process.
  bool HasGroup() const {
    const std::string name = "trireme-" + std::to_string(harness_);
    return FileExists("/sys/fs/cgroup/pids/" + name) || FileExists("/sys/fs/cgroup/" + name);
  }

  bool HasMount() const {
    const Result<std::string> mounts = ReadFile("/proc/self/mounts", 1 << 20);
    return mounts.ok() && mounts->find(run_.path()) != std::string::npos;
  }

  void ExpectThatNothingIsLeft() {
    EXPECT_TRUE(Comes([] {
      pid_t reaped = 0;
      do reaped = ::waitpid(-1, nullptr, WNOHANG);
      while (reaped > 0);
      return reaped < 0;
    }));
    EXPECT_FALSE(HasGroup());
    EXPECT_FALSE(HasMount());
  }

  TemporaryDirectory run_;
  pid_t harness_ = -1;
};

TEST_F(AbortTest, AnInterruptedRunTakesItsFaultsBack) {
  Start();
  if (HasFatalFailure()) return;
  ::kill(harness_, SIGINT);
  int status = -1;
  EXPECT_EQ(::waitpid(harness_, &status, 0), harness_);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ExpectThatNothingIsLeft();
}

TEST_F(AbortTest, AKilledHarnessLeavesNothingStoppedMountedOrLimited) {
  Start();
  if (HasFatalFailure()) return;
  ::kill(harness_, SIGKILL);
  ExpectThatNothingIsLeft();
}

}  // namespace
}  // namespace trireme
