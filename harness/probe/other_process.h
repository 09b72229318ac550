#ifndef TRIREME_HARNESS_PROBE_OTHER_PROCESS_H_
#define TRIREME_HARNESS_PROBE_OTHER_PROCESS_H_

#include <stdint.h>

#include "harness/probe/descriptors.h"

namespace trireme {

// A thread of another process that sleeps in epoll_wait(2), in a set that holds an object for reading.
struct PollerElsewhere {
  uint32_t thread = 0;  // 0: there is none, or the kernel does not let this process look
  int set = -1;         // by the descriptors of that process, both
  int fd = -1;
};
// Cold: some system calls for each thread of that process, of which `*threads` is how many may be looked at; each takes one
// from it. Async-signal safe.
PollerElsewhere FindPollerIn(uint32_t process, const ObjectId& id, int* threads);

// Whether that process, or one below it, has this socket open. Cold: some system calls for each descriptor of so many processes and
// descriptors as may be looked at. False also where the kernel does not let this process look. Async-signal safe.
bool IsSocketBelow(uint32_t process, uint64_t inode);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_OTHER_PROCESS_H_
