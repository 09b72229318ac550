#ifndef TRIREME_RUNNERS_NATIVE_STACKS_H_
#define TRIREME_RUNNERS_NATIVE_STACKS_H_

#include <sys/types.h>

#include <string>

namespace trireme {

// SIGRTMIN+12, as the C library numbers it.
inline constexpr int kStacksSignal = 34 + 12;

// What a handler cannot load: before the first InstallStacksHandler(), in the process that trials are forked from, where it
// is done once.
void LoadUnwinder();

// From now on that signal writes the stack of every thread and the list of tasks to `fd`, and last
// "== end of stacks".
void InstallStacksHandler(int fd);

// Where another process of this user may write its stacks to; "" before InstallStacksHandler().
std::string StacksPath();

// A command that this process waits for: it and what it started are asked for their stacks too, as far as they handle the
// signal.
void SetStacksCommand(pid_t command);

}  // namespace trireme

#endif  // TRIREME_RUNNERS_NATIVE_STACKS_H_
