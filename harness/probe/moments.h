#ifndef TRIREME_HARNESS_PROBE_MOMENTS_H_
#define TRIREME_HARNESS_PROBE_MOMENTS_H_

#include "harness/probe/probe_abi.h"
#include "harness/probe/recorder.h"

namespace trireme {

// Events and bytes at which the workload waits for the harness, where the plan has any: see struct trireme_moment. Safe in any
// thread, signal handler and forked child.

// The recording is another one now: its header, or null for none.
void FollowMoments(trireme_header* header);

// After that event was recorded: waits, should it be such a moment.
void WaitAtMoment(const Entry& entry);

// How many bytes of that connection, of which `moved` have moved this way, may move until one is there at which somebody
// waits; ~0: none is.
uint64_t BytesToMoment(const trireme_connection& connection, uint64_t moved);
// After so many have moved: waits, should that be as far as such a byte, until the harness has done what it does there.
void WaitAtByte(const trireme_connection& connection, uint64_t moved);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_MOMENTS_H_
