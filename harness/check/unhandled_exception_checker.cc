#include "harness/check/unhandled_exception_checker.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "harness/check/applied_faults.h"
#include "harness/check/ended_by_fault.h"
#include "harness/check/task_faults.h"

namespace trireme {
namespace {

// Errors that an operation of the workload met with. Where faults were applied, a runtime that tells of one of these a
// second time (a transport's, of a future that nobody asks) tells nothing new.
class HandledErrors {
 public:
  explicit HandledErrors(const TrialView& view) {
    if (NamesOfAppliedFaults(view).empty()) return;
    for (const Operation& operation : view.operations)
      if (operation.state == OperationState::kFail || operation.state == OperationState::kInfo)
        if (const std::optional<TrialError> error = ParseError(operation.result))
          families_.insert(error->Family());
  }

  bool Has(const Event& exception) const {
    if (exception.key != "never-retrieved" && exception.key != "loop") return false;
    const std::optional<TrialError> error = ParseError(exception.Value());
    return error && error->number && families_.contains(error->Family());
  }

 private:
  std::set<std::string> families_;
};

// Families are the same on every runtime; where they say nothing, the class does.
std::string Subject(const TrialError& error) {
  if (error.family != "other" && error.family != "value") return error.Family();
  const size_t dot = error.type.find_last_of(".:");
  return dot == std::string::npos ? error.type : error.type.substr(dot + 1);
}

// "workload.py:12": the innermost line of a stack that is no library's, "" where none tells.
std::string InnermostLine(const std::vector<std::string>& stack) {
  for (auto line = stack.rbegin(); line != stack.rend(); ++line) {
    const std::string place = line->substr(0, line->find(" in "));
    const size_t colon = place.rfind(':');
    if (colon == std::string::npos || place.starts_with("lib/python")) continue;
    if (colon + 1 < place.size() &&
        place.find_first_not_of("0123456789", colon + 1) == std::string::npos)
      return place;
  }
  return "";
}

// "after workload.cc:12" where only the call before it is known.
std::string Line(const TrialError& error) {
  const std::string line = InnermostLine(error.stack);
  if (!line.empty()) return line;
  const std::string call = InnermostLine({error.after});
  return call.empty() ? "" : "after " + call;
}

Finding ExceptionFinding(const TrialView& view, const Event& event) {
  const std::string where = event.kind == EventKind::kEnd ? "main" : std::string(event.key);
  const Json value = event.Value();
  TrialError error = ParseError(value).value_or(TrialError{});
  if (error.type.empty()) error.type = "an exception that the history does not describe";
  const std::string task = event.task == 0 ? where : view.TaskName(event.task);
  std::vector<Participant> participants = {
      {.task = task, .thread = event.thread, .stack = error.stack}};
  const std::string line = Line(error);
  std::string message = "nobody caught " + error.Text() + " (" + where +
                        (task == where ? "" : ", " + task) + (line.empty() ? "" : ", " + line) +
                        ")";
  Finding finding = view.MakeFinding("unhandled-exception", "unhandled-exception", Subject(error),
                                     std::move(message), std::move(participants));
  finding.evidence = {{"where", where}, {"error", value}};
  return finding;
}

// Several hooks may see one exception; one finding is enough.
void AddOnce(CheckResult& result, Finding finding) {
  const auto same = [&](const Finding& other) { return other.signature == finding.signature; };
  if (std::any_of(result.findings.begin(), result.findings.end(), same)) return;
  if (result.findings.empty()) result.reason = finding.message;
  result.verdict = Verdict::kFail;
  result.findings.push_back(std::move(finding));
}

}  // namespace

std::string_view UnhandledExceptionChecker::Summary() const {
  return "no exception is left that nobody caught or asked for: in main, a task, a thread, a "
         "future, a finaliser, a hub or a loop";
}

CheckResult UnhandledExceptionChecker::Check(const TrialView& view,
                                             const Json& /*arguments*/) const {
  CheckResult result;
  const auto add = [&](const Event& event) {
    const std::optional<TrialError> error = ParseError(event.Value());
    if (!error || !IsOfTaskFault(view, *error)) AddOnce(result, ExceptionFinding(view, event));
  };
  if (view.end != nullptr && view.end->key == "raised") add(*view.end);
  const HandledErrors handled(view);
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kException && !handled.Has(event)) add(event);
  }
  if (result.findings.empty() && view.end == nullptr)
    return EndedByFault(view) ? NotExercised(kEndedByFault) : Unknown("main did not end");
  return result;
}

}  // namespace trireme
