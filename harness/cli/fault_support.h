#ifndef TRIREME_HARNESS_CLI_FAULT_SUPPORT_H_
#define TRIREME_HARNESS_CLI_FAULT_SUPPORT_H_

#include <string>

#include "harness/fault/fault.h"
#include "harness/scenario/plan.h"

namespace trireme {

// Makes each cell unsupported whose faults this machine does not allow, or cannot come to its runtime, and says why. Tries
// what the faults need.
void MarkUnsupportedFaults(Plan& plan);

// Why this machine does not allow a fault of the plan; "" when it allows all. Tries what they need.
std::string WhyFaultsUnsupported(const FaultPlan& plan);

// A fault plan in words: its summary, what it contains as a file has it, and which runtimes it can come to on this machine.
std::string DescribeFaultPlan(const FaultPlan& plan);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_FAULT_SUPPORT_H_
