#ifndef TRIREME_RUNNERS_NATIVE_STACKS_H_
#define TRIREME_RUNNERS_NATIVE_STACKS_H_

#include <sys/types.h>

namespace trireme {

// SIGRTMIN+12, as the C library numbers it.
inline constexpr int kStacksSignal = 34 + 12;

// What a handler cannot load: before the first InstallStacksHandler(), in the process that trials are forked from, where it
// is done once.
void LoadUnwinder();

// From now on that signal writes the stack of every thread and the list of tasks to `fd`, and last
// "== end of stacks".
void InstallStacksHandler(int fd);

// A command that this process waits for: it is asked for its stacks too.
void SetStacksCommand(pid_t command);

}  // namespace trireme

#endif  // TRIREME_RUNNERS_NATIVE_STACKS_H_
