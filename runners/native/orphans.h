#ifndef TRIREME_RUNNERS_NATIVE_ORPHANS_H_
#define TRIREME_RUNNERS_NATIVE_ORPHANS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace trireme {

inline constexpr int64_t kOrphanGrace = 200'000'000;

struct Orphan {
  pid_t pid;
  std::string command;
};

// Waits until this subreaper has no children, `grace` nanoseconds at most, then kills those that
// are left, and what becomes its child by that, until there is none. Gives those that it had to
// kill. One system call when there are none.
std::vector<Orphan> EndOrphans(int64_t grace);

}  // namespace trireme

#endif  // TRIREME_RUNNERS_NATIVE_ORPHANS_H_
