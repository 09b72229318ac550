#ifndef TRIREME_HARNESS_FAULT_SIMPLER_NUMBERS_H_
#define TRIREME_HARNESS_FAULT_SIMPLER_NUMBERS_H_

#include <cstdint>
#include <vector>

#include "harness/fault/fault.h"

namespace trireme {

// What may stand for `number` in a plan that is to be read by people, the simplest first: 0, 1, the powers of ten below
// it, then it with one and with two digits that count. Nothing for what is as simple as that, or negative.
std::vector<int64_t> SimplerNumbers(int64_t number);

// For each whole number of fault `index`, in a fixed order, the plans in which it alone is simpler, the simplest first.
// What can never apply, or contradicts another fault, is left out; a list may be empty.
std::vector<std::vector<FaultPlan>> SimplerPlans(const FaultPlan& plan, size_t index);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_SIMPLER_NUMBERS_H_
