#include "harness/probe/aside.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace trireme {
namespace {

constexpr size_t kStackSize = 64 * 1024;
constexpr int kMaxDescriptor = 1 << 16;

struct Work {
  void (*function)(void*);
  void* argument;
};

int Run(void* pointer) {
  const auto* work = static_cast<const Work*>(pointer);
  int fd = 0;
  while (fd < kMaxDescriptor && syscall(SYS_close, fd) != 0) ++fd;
  work->function(work->argument);
  return 0;
}

// The kernel's signal set: all signals, so that no handler of the program runs in the child.
class BlockSignals {
 public:
  BlockSignals() {
    const uint64_t all = ~uint64_t{0};
    syscall(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, &all, &before_, sizeof(all));
  }
  ~BlockSignals() {
    syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &before_, nullptr, sizeof(before_));
  }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  uint64_t before_ = 0;
};

// For who may map nothing more, one at a time.
alignas(16) char last_stack[kStackSize];
bool last_stack_taken = false;

// Nobody waits for ever: a child by vfork may have ended in between.
bool TakeLastStack() {
  for (int i = 0; i < 1000; ++i) {
    if (!__atomic_exchange_n(&last_stack_taken, true, __ATOMIC_ACQUIRE)) return true;
    sched_yield();
  }
  return false;
}

// The stack of a child. REQUIRES: signals are blocked, for a handler would wait for what it interrupted.
class Stack {
 public:
  Stack()
      : memory_(mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                     0)) {
    if (memory_ == MAP_FAILED) memory_ = TakeLastStack() ? last_stack : nullptr;
  }
  ~Stack() {
    if (memory_ == last_stack)
      __atomic_store_n(&last_stack_taken, false, __ATOMIC_RELEASE);
    else if (memory_ != nullptr)
      munmap(memory_, kStackSize);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  bool exists() const { return memory_ != nullptr; }
  void* top() const { return static_cast<char*>(memory_) + kStackSize; }

 private:
  void* memory_;
};

}  // namespace

void ForgetAsideInChild() { __atomic_store_n(&last_stack_taken, false, __ATOMIC_RELEASE); }

void RunAside(void (*function)(void*), void* argument) {
  Work work{function, argument};
  const BlockSignals block;
  const Stack stack;
  if (!stack.exists()) return;
  // No signal at its end: the program's own waiting for children does not see it.
  const int child = clone(Run, stack.top(), CLONE_VM | CLONE_VFORK, &work);
  if (child > 0) {
    while (syscall(SYS_wait4, child, nullptr, __WCLONE, nullptr) < 0 && errno == EINTR) {
    }
  }
}

// No signal at its end, as above; not through fork(), which calls handlers of the program.
void RunInCopy(void (*function)(void*), void* argument, bool (*wanted)(void*)) {
  const long child = syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) return;
  if (child == 0) {
    syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);  // should it die, it leaves no core
    function(argument);
    syscall(SYS_exit_group, 0);
  }
  const auto ended = [&](int flags) {
    return syscall(SYS_wait4, child, nullptr, __WCLONE | flags, nullptr) != 0;
  };
  while (wanted(argument)) {
    if (ended(WNOHANG)) return;
    const timespec millisecond = {.tv_sec = 0, .tv_nsec = 1000000};
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &millisecond, nullptr);
  }
  syscall(SYS_kill, child, SIGKILL);
  ended(0);
}

}  // namespace trireme
