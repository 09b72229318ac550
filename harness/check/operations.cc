#include "harness/check/operations.h"

#include <algorithm>

#include "harness/base/strings.h"

namespace trireme {
namespace {

std::string_view StateName(OperationState state) {
  switch (state) {
    case OperationState::kOpen:
      return "open";
    case OperationState::kOk:
      return "ok";
    case OperationState::kFail:
      return "fail";
    case OperationState::kInfo:
      return "info";
  }
  return "open";
}

}  // namespace

std::vector<const Operation*> OperationsNamed(const TrialView& view,
                                              const std::vector<std::string>& names) {
  std::vector<const Operation*> found;
  for (const Operation& operation : view.operations) {
    if (std::find(names.begin(), names.end(), operation.name) != names.end())
      found.push_back(&operation);
  }
  return found;
}

std::set<uint32_t> TasksOf(const std::vector<const Operation*>& operations) {
  std::set<uint32_t> tasks;
  for (const Operation* operation : operations) tasks.insert(operation->task);
  return tasks;
}

std::string DescribeOperation(const TrialView& view, const Operation& operation) {
  return operation.name + " of " + view.TaskName(operation.task) + " (" +
         FormatDuration(operation.begin) + ".." +
         (operation.state == OperationState::kOpen ? "never" : FormatDuration(operation.end)) + ")";
}

Json OperationEvidence(const Operation& operation) {
  Json evidence = {{"id", operation.id},
                   {"op", operation.name},
                   {"begin_ns", operation.begin},
                   {"end_ns", operation.end},
                   {"state", StateName(operation.state)},
                   {"value", operation.value},
                   {"result", operation.result}};
  if (operation.state == OperationState::kOpen) evidence["end_ns"] = nullptr;
  return evidence;
}

}  // namespace trireme
