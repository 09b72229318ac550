#include "harness/fault/task.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "harness/base/check.h"
#include "harness/fault/class_table.h"

namespace trireme {
namespace {

// Absent: none. Types were checked when the file was read, but a saved plan may be damaged.
Result<std::optional<std::string>> TaskFaultText(const Fault& fault, const char* name) {
  const auto found = fault.members.find(name);
  if (found == fault.members.end()) return std::optional<std::string>();
  if (!found->is_string()) return FaultError(fault, std::string(name) + " is no text");
  return std::optional<std::string>(found->get<std::string>());
}

Result<std::optional<uint64_t>> TaskFaultNumber(const Fault& fault, const char* name) {
  const auto found = fault.members.find(name);
  if (found == fault.members.end()) return std::optional<uint64_t>();
  const bool is_number =
      found->is_number_integer() && (found->is_number_unsigned() || found->get<int64_t>() >= 0);
  if (!is_number) return FaultError(fault, std::string(name) + " is no number from 0 on");
  return std::optional<uint64_t>(found->get<uint64_t>());
}

Status ReadTaskFaultTasks(const Fault& fault, TaskFault& read) {
  TRIREME_ASSIGN_OR_RETURN(const std::optional<std::string> cancel, TaskFaultText(fault, "cancel"));
  TRIREME_ASSIGN_OR_RETURN(const std::optional<std::string> timeout,
                           TaskFaultText(fault, "timeout"));
  if (cancel.has_value() == timeout.has_value())
    return FaultError(fault,
                      cancel ? "cancel and timeout exclude each other"
                             : "neither cancel nor timeout says which tasks",
                      "say `cancel: \"GLOB\"` or `timeout: \"GLOB\"`, over a task's path or name");
  read.timeout = timeout.has_value();
  read.task = cancel ? *cancel : *timeout;
  const char* member = cancel ? "cancel" : "timeout";
  if (read.task.empty())
    return FaultKeyError(fault, member, std::string(member) + " is empty and matches no task",
                         "\"*\" is every task");
  constexpr size_t kMost = sizeof(trireme_task_fault::task) - 1;
  if (read.task.size() > kMost)
    return FaultKeyError(fault, member,
                         std::string(member) + " is longer than " + std::to_string(kMost) +
                             " bytes");
  return Done{};
}

// What says at which point: of `point`, `after` and `sweep` at most one.
Status ReadTaskFaultPoints(const Fault& fault, TaskFault& read) {
  TRIREME_ASSIGN_OR_RETURN(const std::optional<uint64_t> point, TaskFaultNumber(fault, "point"));
  TRIREME_ASSIGN_OR_RETURN(const std::optional<uint64_t> after, TaskFaultNumber(fault, "after"));
  TRIREME_ASSIGN_OR_RETURN(const std::optional<std::string> sweep, TaskFaultText(fault, "sweep"));
  if (sweep) TRIREME_RETURN_IF_ERROR(CheckSweepWord(fault, *sweep));
  if (point.has_value() + after.has_value() + sweep.has_value() > 1)
    return FaultError(fault, "point, after and sweep exclude each other", "say one of them");
  if (point == 0) return FaultKeyError(fault, "point", "point is 0", "a task's first point is 1");
  if (after && *after > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return FaultKeyError(fault, "after", "after is beyond any trial's end");
  read.point = point.value_or(0);
  read.after = static_cast<int64_t>(after.value_or(0));
  read.every_point = sweep.has_value();
  return Done{};
}

}  // namespace

const FaultClass& TaskFaultClass() {
  static const FaultClass kClass = {
      .key = "task",
      .summary =
          "a task is cancelled, or its time is up, at one of its points, the way its runtime does "
          "it",
      .fields = {{"cancel", "text", "glob over the path or name of the tasks that are cancelled"},
                 {"timeout", "text", "glob over the path or name of the tasks whose time is up"},
                 {"after", "duration",
                  "since the trial's begin: at a task's first point after that; default: 0"},
                 {"point", "count", "at that one, counted from 1 in each task"},
                 {"times", "count",
                  "how many tasks, the first that the program spawns; of tasks that several others spawn "
                  "so many of each; with `after`: the first that come; default: each, once"},
                 {"sweep", "text", "every-point: each point in turn, one a trial"}}};
  return kClass;
}

Result<TaskFault> ReadTaskFault(const Fault& fault) {
  TaskFault read;
  TRIREME_RETURN_IF_ERROR(ReadTaskFaultTasks(fault, read));
  TRIREME_RETURN_IF_ERROR(ReadTaskFaultPoints(fault, read));
  TRIREME_ASSIGN_OR_RETURN(const std::optional<uint64_t> times, TaskFaultNumber(fault, "times"));
  if (times == 0) return FaultKeyError(fault, "times", "times is 0: it never applies");
  if (times > std::numeric_limits<uint32_t>::max())
    return FaultKeyError(fault, "times", "times is more than there can be tasks");
  if (times && read.every_point)
    return FaultKeyError(fault, "times", "times and sweep exclude each other",
                         "a sweep hits one point a trial");
  read.times = times.value_or(0);
  return read;
}

Status CheckTaskFault(const Fault& fault) {
  TRIREME_RETURN_IF_ERROR(ReadTaskFault(fault));
  return Done{};
}

Status CompileTaskFault(const Fault& fault, uint32_t number, uint64_t /*seed*/,
                        CompiledPlan& plan) {
  TRIREME_ASSIGN_OR_RETURN(const TaskFault read, ReadTaskFault(fault));
  if (plan.block.tasks == TRIREME_PLAN_TASKS)
    return FaultError(fault, "a plan has at most " + std::to_string(TRIREME_PLAN_TASKS) +
                                 " faults of tasks, this is one more");
  FillTaskFault(read, number, &plan.block.task[plan.block.tasks++]);
  return Done{};
}

std::string WhyTaskFaultIsNotWatched(const Fault& /*fault*/) {
  return "only tasks of workloads come to points";
}

void FillTaskFault(const TaskFault& fault, uint32_t number, trireme_task_fault* filled) {
  TRIREME_CHECK(fault.task.size() < sizeof(filled->task));
  *filled = {};
  std::copy(fault.task.begin(), fault.task.end(), filled->task);
  filled->ordinal = fault.point;
  filled->after = static_cast<uint64_t>(fault.after);
  filled->how = fault.timeout ? 1 : 0;
  filled->fault = number;
  filled->limit = static_cast<uint32_t>(fault.times);
}

}  // namespace trireme
