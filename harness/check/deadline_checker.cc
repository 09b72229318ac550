#include "harness/check/deadline_checker.h"

#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/operations.h"
#include "harness/check/task_faults.h"

namespace trireme {
namespace {

// How long it took; an operation that never ended took at least the rest of the trial.
int64_t Took(const TrialView& view, const Operation& operation) {
  return (operation.state == OperationState::kOpen ? view.last_time : operation.end) -
         operation.begin;
}

Finding MissedFinding(const TrialView& view, const Operation& worst, int64_t missed,
                      int64_t within) {
  const bool open = worst.state == OperationState::kOpen;
  std::string message =
      "'" + worst.name + "' of " + view.TaskName(worst.task) +
      (open ? " had not ended after " : " took ") + FormatDuration(Took(view, worst)) +
      ", allowed are " + FormatDuration(within) +
      (missed > 1 ? "; the worst of " + std::to_string(missed) + " that missed it" : "");
  Finding finding = view.MakeFinding("deadline", "deadline", worst.name, std::move(message),
                                     {view.ParticipantOf(worst.task)});
  finding.evidence = {
      {"within_ns", within}, {"missed", missed}, {"witness", OperationEvidence(worst)}};
  return finding;
}

}  // namespace

std::string_view DeadlineChecker::Summary() const {
  return "every operation of a name ends within a time";
}

std::vector<CheckArgument> DeadlineChecker::Arguments() const {
  return {{.name = "op", .type = "text", .required = true, .fallback = nullptr},
          {.name = "within", .type = "duration", .required = true, .fallback = nullptr}};
}

CheckResult DeadlineChecker::Check(const TrialView& view, const Json& arguments) const {
  const std::string op = GetString(arguments, "op");
  const int64_t within = GetInt(arguments, "within", -1);
  if (within < 0) return Unknown("the check's argument 'within' is no duration");
  const std::vector<const Operation*> operations = OperationsNamed(view, {op});
  // Where a fault stopped the task that would have begun one, none can be late.
  if (operations.empty() && HasTaskFault(view)) return {};
  if (operations.empty()) return Unknown("no operation '" + op + "' was begun");
  const Operation* worst = nullptr;
  int64_t missed = 0;
  int64_t undecided = 0;
  for (const Operation* operation : operations) {
    const int64_t took = Took(view, *operation);
    if (took <= within) {
      undecided += operation->state == OperationState::kOpen ? 1 : 0;
      continue;
    }
    ++missed;
    if (worst == nullptr || took > Took(view, *worst)) worst = operation;
  }
  if (worst != nullptr) return Failed(MissedFinding(view, *worst, missed, within));
  if (undecided > 0)
    return Unknown("the trial ended before the deadline of " + Count(undecided, "open operation"));
  return {};
}

}  // namespace trireme
