#ifndef TRIREME_HARNESS_FAULT_APPLIED_PLAN_H_
#define TRIREME_HARNESS_FAULT_APPLIED_PLAN_H_

#include <string>

#include "harness/fault/fault.h"
#include "harness/history/history.h"

namespace trireme {

// What was applied in a trial, as a plan that brings just that again, whatever the seed and the runtime: each fault on a
// system call at its connection, side and byte, each of a task at its point. Of other classes, which happen at a time,
// those faults of `planned` that were applied. kNothing when there are none.
Result<FaultPlan> AppliedPlan(const History& history, const FaultPlan& planned,
                              const std::string& name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_APPLIED_PLAN_H_
