#include "harness/cli/interrupt_notice.h"

#include <unistd.h>

#include "harness/cli/exit_codes.h"

namespace trireme {
namespace {

// In a signal handler: nothing that allocates or takes a lock.
void SayAndEnd(int) {
  constexpr char kNotice[] = "error: interrupted before anything was run\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kNotice, sizeof(kNotice) - 1);
  ::_exit(kExitInterrupted);
}

}  // namespace

InterruptNotice::InterruptNotice() {
  struct sigaction notice {};
  notice.sa_handler = SayAndEnd;  // NOLINT: POSIX makes it the member of a union
  for (size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    const bool ignored = before_[i].sa_handler == SIG_IGN;  // NOLINT: POSIX makes it the member of a union
    if (!ignored) ::sigaction(kSignals[i], &notice, nullptr);
  }
}

InterruptNotice::~InterruptNotice() {
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
}

}  // namespace trireme
