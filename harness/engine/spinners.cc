#include "harness/engine/spinners.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "harness/base/clock.h"

namespace trireme {
namespace {

[[noreturn]] void Spin(pid_t parent, int64_t end) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "trireme-spin");
  ::close_range(0, ~0U, 0);
  // Looked at again and again: it may have ended before we asked to be told.
  while (::getppid() == parent && SystemClock().Now() < end) {
    for (int step = 0; step < 100'000; ++step) __asm__ volatile("");
  }
  ::_exit(0);
}

}  // namespace

Spinners::Spinners(uint64_t count, int64_t longest) {
  const pid_t self = ::getpid();
  const int64_t end = SystemClock().Now() + longest;
  for (uint64_t i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    if (child == 0) Spin(self, end);
    if (child > 0) processes_.push_back(child);
  }
}

Spinners::~Spinners() {
  for (const pid_t process : processes_) ::kill(process, SIGKILL);
  for (const pid_t process : processes_)
    while (::waitpid(process, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace trireme
