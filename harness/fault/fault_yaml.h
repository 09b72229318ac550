#ifndef TRIREME_HARNESS_FAULT_FAULT_YAML_H_
#define TRIREME_HARNESS_FAULT_FAULT_YAML_H_

#include <string>

#include "harness/fault/fault.h"

namespace trireme {

// The plan as a file below scenarios/faults has it, and as an item of a scenario's `faults`: read back it is the same
// plan. A file may give it another name.
std::string FaultPlanToYaml(const FaultPlan& plan);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_FAULT_YAML_H_
