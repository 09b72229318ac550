#include "harness/probe/aside.h"

#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

}  // namespace

void RunAside(void (*function)(void*), void* argument) {
  void* stack =
      mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) return;
  Work work{function, argument};
  const BlockSignals block;
  // No signal at its end: the program's own waiting for children does not see it.
  const int child =
      clone(Run, static_cast<char*>(stack) + kStackSize, CLONE_VM | CLONE_VFORK, &work);
  if (child > 0) {
    while (syscall(SYS_wait4, child, nullptr, __WCLONE, nullptr) < 0 && errno == EINTR) {
    }
  }
  munmap(stack, kStackSize);
}

}  // namespace trireme
