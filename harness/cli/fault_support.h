#ifndef TRIREME_HARNESS_CLI_FAULT_SUPPORT_H_
#define TRIREME_HARNESS_CLI_FAULT_SUPPORT_H_

#include "harness/scenario/plan.h"

namespace trireme {

// Makes each cell unsupported whose faults this machine does not allow, or cannot come to its runtime, and says why. Tries
// what the faults need.
void MarkUnsupportedFaults(Plan& plan);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_FAULT_SUPPORT_H_
