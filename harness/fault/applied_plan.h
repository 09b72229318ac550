#ifndef TRIREME_HARNESS_FAULT_APPLIED_PLAN_H_
#define TRIREME_HARNESS_FAULT_APPLIED_PLAN_H_

#include <string>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/history/history.h"

namespace trireme {

struct PlanOfLog {
  FaultPlan plan;
  // What no plan can say, with the reason: errors that fiu-ctrl let calls fail with and that they never have, and what
  // followed at one place on what contradicts it.
  std::vector<std::string> left_out;
};

// What was applied in a trial, as a plan that brings just that again, whatever the seed and the runtime: each fault on a
// system call at its connection, side and byte, each of a task at its point. Of other classes, which happen at a time,
// those faults of `planned` that were applied. kNothing when there are none; kUsage where there are, and a plan can say none.
Result<PlanOfLog> AppliedPlan(const History& history, const FaultPlan& planned,
                              const std::string& name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_APPLIED_PLAN_H_
