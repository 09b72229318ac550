#ifndef TRIREME_HARNESS_FAULT_TASK_H_
#define TRIREME_HARNESS_FAULT_TASK_H_

#include <cstdint>
#include <string>

#include "harness/base/result.h"
#include "harness/fault/fault.h"
#include "harness/history/compiled_plan.h"

namespace trireme {

// `task`: a task is cancelled, or its time is up, at one of its points, in the way in which its runtime does that.
struct TaskFault {
  std::string task;  // glob over a task's path or name
  bool timeout = false;
  uint64_t point = 0;  // its ordinal in the task, from 1; 0: the first one after `after`
  int64_t after = 0;   // nanoseconds since the trial's begin
  uint64_t times = 0;  // how many tasks at most; 0: each that matches
  // A sweep, see sweep.h: each point of each task that matches in turn, one a trial.
  bool every_point = false;
};

const FaultClass& TaskFaultClass();
Result<TaskFault> ReadTaskFault(const Fault& fault);

Status CheckTaskFault(const Fault& fault);
// Adds it. kUsage where the plan has as many as the probe takes. REQUIRES: it is no sweep.
Status CompileTaskFault(const Fault& fault, uint32_t number, uint64_t seed, CompiledPlan& plan);
std::string WhyTaskFaultIsNotWatched(const Fault& fault);

// As the probe wants it; `number`: the fault's in the plan, from 1. REQUIRES: !fault.every_point.
void FillTaskFault(const TaskFault& fault, uint32_t number, trireme_task_fault* filled);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_TASK_H_
