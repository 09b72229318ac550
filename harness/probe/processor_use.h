#ifndef TRIREME_HARNESS_PROBE_PROCESSOR_USE_H_
#define TRIREME_HARNESS_PROBE_PROCESSOR_USE_H_

#include <stdint.h>

#include "harness/probe/probe_abi.h"

namespace trireme {

// USAGE events of key "processor", where the plan asks for them: what the process had used when something happened by which it
// can be told what faults cost. Safe in any thread, signal handler and forked child.

// The recording is another one now: its header, or null for none.
void FollowProcessorUse(const trireme_header* header);
// In the child, right after fork: its use begins at 0.
void ForgetProcessorUse();

// After an event of that kind was recorded.
void NoteProcessorUse(uint16_t kind);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_PROCESSOR_USE_H_
