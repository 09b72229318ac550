#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/applied_faults.h"
#include "harness/check/judge.h"
#include "harness/check/mixed_arm_checker.h"
#include "harness/check/strangers.h"
#include "harness/check/suppression.h"
#include "harness/check/task_faults.h"
#include "harness/check/wire_fields.h"

namespace trireme {
namespace {

// Bytes of a connection are evidence where they are what is compared.
bool HasOperationOrObservation(const TrialView& view) {
  const bool wire = WireRuleOf(*view.cell) != WireRule::kNone;
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kInvoke || event.kind == EventKind::kObserve) return true;
    if (wire && event.kind == EventKind::kWire) return true;
  }
  return false;
}

// "await asyncio.sleep(1) at workload.py:12 in main": what a blocking runtime could not drive on.
std::string SuspendedAt(const Event& end) {
  const Json value = end.Value();
  const std::optional<TrialError> error = ParseError(value);
  std::string text = error               ? error->message
                     : value.is_string() ? value.get<std::string>()
                                         : GetString(value, "message");
  if (error && !error->stack.empty())
    text += (text.empty() ? "" : " ") + ("at " + error->stack.back());
  return "suspended in something that is not the runtime API" + (text.empty() ? "" : ": " + text);
}

std::string UnsupportedReason(const TrialView& view) {
  const Json value = view.end->Value();
  std::string reason = value.is_string() ? value.get<std::string>() : GetString(value, "message");
  return reason.empty() ? "the workload needs what the runtime does not have" : reason;
}

// "coroutine 'Runtime.sleep' was never awaited (workload.py:4)", "" when none was dropped: what it
// stood for never happened, so the trial is no evidence of it.
std::string NeverAwaited(const History& history) {
  for (const Event& event : history.events())
    if (event.kind == EventKind::kWarning && event.key == "never-awaited") {
      const Json text = event.Value();
      return text.is_string() ? text.get<std::string>() : DumpJson(text);
    }
  return "";
}

// Whether the trial's record can carry a verdict at all.
CheckResult JudgeRecord(const TrialView& view) {
  const History& history = *view.history;
  if (!history.damage().empty()) return Unknown("the history is damaged: " + history.damage());
  if (const std::string why = ImpossibleRecord(view); !why.empty())
    return Unknown("the history is damaged: " + why);
  if (history.lost() > 0) return Unknown(LostInWords(history));
  if (!view.exit.present) return Unknown("the harness was gone before the trial ended");
  if (view.exit.recording_lost)
    return Unknown(
        "its recording was taken away: something in the trial removed or overwrote the "
        "trial's own folder");
  if (view.begin == nullptr) return Unknown("the workload never began");
  if (view.end != nullptr && view.end->key == "suspended") return Unknown(SuspendedAt(*view.end));
  if (const std::string dropped = NeverAwaited(history); !dropped.empty()) return Unknown(dropped);
  // A task that was cancelled before it did anything is evidence of how that was borne.
  if (!HasOperationOrObservation(view) && !HasTaskFault(view))
    return Unknown("it recorded no operation and no observation");
  return {};
}

void Add(TrialJudgement& judgement, CheckResult result) {
  if (judgement.reason.empty() || result.verdict > judgement.verdict) {
    if (result.verdict != Verdict::kPass) judgement.reason = std::move(result.reason);
  }
  if (result.verdict == Verdict::kUnknown)
    judgement.not_exercised = result.not_exercised && (judgement.verdict != Verdict::kUnknown ||
                                                       judgement.not_exercised);
  judgement.verdict = Heavier(judgement.verdict, result.verdict);
  judgement.outcomes.merge(result.outcomes);
  for (Finding& finding : result.findings) judgement.findings.push_back(std::move(finding));
  for (SuppressedFinding& known : result.suppressed)
    judgement.suppressed.push_back(std::move(known));
}

bool IsJudgedAlways(std::string_view name) {
  return name == "crash" || name == "progress" || name == "mixed-arm" || name == "gil-enabled";
}

// The cell's checks; where nobody chose them, those of its fault plan too.
std::vector<Json> ChosenChecks(const Json& cell) {
  const Json& checks = GetMember(cell, "checks");
  std::vector<Json> chosen;
  bool by_default = false;
  if (checks.is_array())
    for (const Json& choice : checks) {
      chosen.push_back(choice);
      by_default |= GetBool(choice, "by_default");
    }
  if (by_default && HasFaultPlan(cell))
    chosen.push_back({{"name", "invariant"}, {"arguments", Json::object()}, {"by_default", true}});
  return chosen;
}

// False: it was stopped before the last one.
bool AddChosenChecks(const TrialView& view, const StopRequest& stop, TrialJudgement& judgement) {
  for (const Json& choice : ChosenChecks(*view.cell)) {
    if (IsStopped(stop)) return false;
    const std::string name = GetString(choice, "name");
    if (name == "equivalence" || IsJudgedAlways(name)) continue;
    const TrialChecker* checker = FindTrialChecker(name);
    CheckResult result = checker == nullptr
                             ? Unknown("no check '" + name + "' in this version")
                             : RunChecker(*checker, view, GetMember(choice, "arguments"));
    if (view.suppressions != nullptr)
      result = WithoutSuppressed(std::move(result), *view.suppressions);
    if (!(result.not_exercised && GetBool(choice, "by_default"))) Add(judgement, std::move(result));
  }
  return true;
}

// Why the program of a command could not be started; "" when it was.
std::string NotStarted(const TrialView& view) {
  if (!IsCommand(*view.cell)) return "";
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kWarning && event.key == "not-started")
      return "the command did not start: " + (event.Value().is_string()
                                                  ? event.Value().get<std::string>()
                                                  : DumpJson(event.Value()));
  return "";
}

// Why what the trial did may not be its own; "" where nothing says so. Who comes again when it is
// repeated belongs to it.
std::string DisturbedInWords(const TrialView& view) {
  const std::string strangers = view.repeated ? "" : StrangersInWords(view);
  return strangers.empty() ? "" : strangers + ", so what was seen may not be the workload's doing";
}

// False: it was stopped before the last one.
bool AddConstantChecks(const TrialView& view, const StopRequest& stop, TrialJudgement& judgement) {
  for (const TrialChecker* checker : TrialCheckers()) {
    if (IsStopped(stop)) return false;
    if (IsJudgedAlways(checker->Name())) Add(judgement, RunChecker(*checker, view, Json::object()));
  }
  return true;
}

// What a trial says of itself does not undo that its process died or hung.
TrialJudgement JudgeUnsupported(const TrialView& view, const StopRequest& stop) {
  TrialJudgement judgement;
  judgement.verdict = Verdict::kPass;
  const bool whole = AddConstantChecks(view, stop, judgement);
  if (!whole) Add(judgement, Unknown(kStoppedJudging));
  if (!whole || judgement.verdict == Verdict::kFail) return judgement;
  judgement = {};
  judgement.unsupported = UnsupportedReason(view);
  judgement.reason = judgement.unsupported;
  return judgement;
}

}  // namespace

TrialJudgement JudgeTrial(const TrialView& view, const StopRequest& stop) {
  TrialJudgement judgement;
  if (view.exit.how == "interrupted") {
    // What it did not get to says nothing of what it would have done: no check has a say.
    const std::string& why = view.exit.protocol_error;
    judgement.verdict = Verdict::kUnknown;
    judgement.in_flight = why.empty();
    judgement.reason = "cut short: " + (why.empty() ? "the run was interrupted" : why);
    return judgement;
  }
  if (std::string reason = NotStarted(view); !reason.empty()) {
    judgement.verdict = Verdict::kUnknown;
    judgement.reason = std::move(reason);
    return judgement;
  }
  if (std::string why = DisturbedInWords(view); !why.empty()) {
    judgement.verdict = Verdict::kUnknown;
    judgement.reason = std::move(why);
    return judgement;
  }
  if (view.end != nullptr && view.end->key == "unsupported") return JudgeUnsupported(view, stop);
  judgement.verdict = Verdict::kPass;
  if (HasFaultPlan(*view.cell)) judgement.faults = NamesOfAppliedFaults(view);
  Add(judgement, JudgeRecord(view));
  const bool whole =
      AddConstantChecks(view, stop, judgement) && AddChosenChecks(view, stop, judgement);
  if (!whole) Add(judgement, Unknown(kStoppedJudging));
  return judgement;
}

}  // namespace trireme
