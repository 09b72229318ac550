#ifndef TRIREME_HARNESS_FAULT_CONTRADICTIONS_H_
#define TRIREME_HARNESS_FAULT_CONTRADICTIONS_H_

#include "harness/fault/fault.h"

namespace trireme {

// kUsage where two faults want different things of one byte of the same connections, or of one point of the same tasks, and
// where one can never happen because of another. What may meet in a run alone is none: see precedence.h.
// REQUIRES: each can do what it says.
Status CheckContradictions(const FaultPlan& plan);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_CONTRADICTIONS_H_
