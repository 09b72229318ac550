#include "harness/engine/processor_use.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "harness/base/clock.h"
#include "harness/base/unique_fd.h"

namespace trireme {
namespace {

void Compute() {
  timespec used{};
  while (used.tv_sec == 0 && used.tv_nsec < 100 * kNanosecondsPerMillisecond)
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
}

// A process that has a child do something, reaps it, and then waits.
class Parent {
 public:
  explicit Parent(const std::function<void()>& child) {
    std::array<int, 2> begin{}, done{};
    EXPECT_EQ(::pipe(begin.data()), 0);
    EXPECT_EQ(::pipe(done.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(begin[1]);
      char byte = 0;
      (void)!::read(begin[0], &byte, 1);
      const pid_t worker = ::fork();
      if (worker == 0) {
        child();
        ::_exit(0);
      }
      ::waitpid(worker, nullptr, 0);
      (void)!::write(done[1], "d", 1);
      (void)!::read(begin[0], &byte, 1);  // until the other end is closed
      ::_exit(0);
    }
    begin_.Reset(begin[1]);
    done_.Reset(done[0]);
    ::close(begin[0]);
    ::close(done[1]);
  }
  ~Parent() {
    begin_.Reset();
    ::waitpid(pid_, nullptr, 0);
  }
  void HaveItDone() const {
    char byte = 0;
    EXPECT_EQ(::write(begin_.get(), "b", 1), 1);
    EXPECT_EQ(::read(done_.get(), &byte, 1), 1);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  UniqueFd begin_, done_;
};

// As if the second look were a second after the first.
bool HardlyUsesAny(const std::function<void()>& child) {
  const Parent parent(child);
  ProcessorUse use;
  EXPECT_FALSE(use.HardlyAny(parent.pid(), kNanosecondsPerSecond));
  parent.HaveItDone();
  return use.HardlyAny(parent.pid(), 2 * kNanosecondsPerSecond);
}

TEST(ProcessorUseOfTrialTest, HasWhatReapedChildrenUsed) { EXPECT_FALSE(HardlyUsesAny(Compute)); }

TEST(ProcessorUseOfTrialTest, IsHardlyAnyWhereChildrenOnlyEnd) {
  EXPECT_TRUE(HardlyUsesAny([] {}));
}

}  // namespace
}  // namespace trireme
