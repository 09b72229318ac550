#ifndef TRIREME_HARNESS_ENGINE_SIGNAL_RESPONSE_H_
#define TRIREME_HARNESS_ENGINE_SIGNAL_RESPONSE_H_

#include <sys/types.h>

namespace trireme {

// What a signal does to a process: of most the default ends it.
enum class SignalResponse {
  kDefault,  // also where the process is gone
  kHandles,  // a handler runs, or its first thread blocks it, to take it when it likes
  kIgnores
};

SignalResponse ResponseTo(pid_t pid, int signal);

// Whether a handler runs: what has none would be killed by a signal that is no matter of its own.
bool CatchesSignal(pid_t pid, int signal);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_SIGNAL_RESPONSE_H_
