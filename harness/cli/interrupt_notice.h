#ifndef TRIREME_HARNESS_CLI_INTERRUPT_NOTICE_H_
#define TRIREME_HARNESS_CLI_INTERRUPT_NOTICE_H_

#include <signal.h>

#include <array>

namespace trireme {

// While it lives, Ctrl-C and what else asks the program to end do so at once, with kExitInterrupted and a word: nothing has
// been run that could be reported. Later the engine takes these signals. What ignores them goes on to, as under nohup.
class InterruptNotice {
 public:
  InterruptNotice();
  ~InterruptNotice();
  InterruptNotice(const InterruptNotice&) = delete;
  InterruptNotice& operator=(const InterruptNotice&) = delete;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_INTERRUPT_NOTICE_H_
