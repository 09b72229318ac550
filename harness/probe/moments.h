#ifndef TRIREME_HARNESS_PROBE_MOMENTS_H_
#define TRIREME_HARNESS_PROBE_MOMENTS_H_

#include "harness/probe/probe_abi.h"
#include "harness/probe/recorder.h"

namespace trireme {

// Events at which the workload waits for the harness, where the plan has any: see struct trireme_moment. Safe in any thread,
// signal handler and forked child.

// The recording is another one now: its header, or null for none.
void FollowMoments(trireme_header* header);

// After that event was recorded: waits, should it be such a moment.
void WaitAtMoment(const Entry& entry);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_MOMENTS_H_
