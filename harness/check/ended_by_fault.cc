#include "harness/check/ended_by_fault.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/applied_faults.h"
#include "harness/check/mixed_arm_checker.h"

namespace trireme {
namespace {

// As plans write it; "" for what is no signal.
std::string AbbreviatedName(int64_t number) {
  const char* name = number > 0 && number < NSIG ? sigabbrev_np(static_cast<int>(number)) : nullptr;
  return name == nullptr ? "" : name;
}

// A FAULT event that says of a signal to the workload's own process: not to one below it.
bool HitTheWorkload(const Json& fault) {
  return GetString(fault, "target", "runner") == "runner" || GetBool(fault, "own");
}

std::string SignalIn(const Json& fault) { return SignalOf({.action = GetMember(fault, "do")}); }

// A signal has come by then: its time is that of before it was sent, and an interpreter runs a handler when it gets to it.
constexpr int64_t kDelivery = 20'000'000;

// Whether a task of that process's first thread, which takes signals, got something done that it had begun after `time`, and
// began more. Other threads go on for as long as the first one lets them.
bool WentOnAfter(const TrialView& view, uint32_t process, int64_t time) {
  struct Step {
    uint64_t operation = 0;
    bool done = false;
  };
  std::map<uint32_t, Step> steps;
  for (const Event& event : view.history->events()) {
    if (event.time <= time || event.process != process || event.thread != process) continue;
    if (event.kind == EventKind::kOk) {
      const auto step = steps.find(event.task);
      if (step != steps.end() && step->second.operation == event.id) step->second.done = true;
    } else if (event.kind == EventKind::kInvoke) {
      const auto [step, first] = steps.try_emplace(event.task, Step{event.id});
      if (step->second.done) return true;
      if (!first) step->second.operation = event.id;
    }
  }
  return false;
}

bool MayHaveEnded(const TrialView& view, const Event& event, const Json& fault) {
  if (GetBool(fault, "over") || GetBool(fault, "ignored") || !HitTheWorkload(fault)) return false;
  if (!GetBool(fault, "handled")) return true;
  // A command's is another one than the trial's.
  const auto process = static_cast<uint32_t>(GetInt(fault, "process", event.process));
  return !WentOnAfter(view, process, event.time + kDelivery);
}

// `means`: of the name of a signal.
template <typename Means>
bool SomeFaultEndedIt(const TrialView& view, Means means) {
  const std::vector<Event>& events = view.history->events();
  return std::any_of(events.begin(), events.end(), [&](const Event& event) {
    if (event.kind != EventKind::kFault) return false;
    // What most faults are is no signal, and a trial may have tens of thousands.
    if (event.raw.find("\"signal\"") == std::string_view::npos) return false;
    const Json fault = event.Value();
    return means(SignalIn(fault)) && MayHaveEnded(view, event, fault);
  });
}

bool SignalEndedIt(const TrialView& view, int64_t number) {
  const std::string name = AbbreviatedName(number);
  return !name.empty() && SomeFaultEndedIt(view, [&](const auto& sent) { return sent == name; });
}

bool EndsProcesses(const std::string& signal) {
  return !signal.empty() && signal != "STOP" && signal != "CONT";
}

// The engine knows which of its signals the process died of, or says so itself by its status.
Json FaultInExit(const TrialView& view) {
  const std::vector<Event>& events = view.history->events();
  for (auto event = events.rbegin(); event != events.rend(); ++event)
    if (event->kind == EventKind::kExit) return GetMember(event->Value(), "fault");
  return {};
}

}  // namespace

int64_t StatusOfCommand(const TrialView& view) {
  if (!IsCommand(*view.cell)) return 0;
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kObserve || event.key != "exit-status") continue;
    const Json status = event.Value();
    if (status.is_number_integer()) return status.get<int64_t>();
  }
  return 0;
}

int64_t SignalOfCommand(const TrialView& view) {
  return std::max<int64_t>(-StatusOfCommand(view), 0);
}

std::string WhyNotEndedByFault(const TrialView& view) {
  if (SignalEndedIt(view, view.exit.signal.value_or(0))) return "";
  const std::string name = AbbreviatedName(view.exit.signal.value_or(0));
  if (view.exit.how != "signalled" || name.empty()) return "";
  std::string why;
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kFault) continue;
    const Json fault = event.Value();
    if (SignalIn(fault) != name || !HitTheWorkload(fault)) continue;
    why = "the SIG" + name + " of the plan was " +
          (GetBool(fault, "ignored") ? "ignored" : "handled, and the program went on");
  }
  return why;
}

bool EndedByFault(const TrialView& view) {
  if (SignalEndedIt(view, SignalOfCommand(view))) return true;
  // Of one whose runner is gone nobody knows by which signal.
  if (view.exit.how == "vanished") return SomeFaultEndedIt(view, EndsProcesses);
  if (view.exit.how == "signalled" && SignalEndedIt(view, view.exit.signal.value_or(0)))
    return true;
  return FaultInExit(view).is_object() && WhyNotEndedByFault(view).empty();
}

bool EndedAtAPoint(const TrialView& view) {
  const int64_t number = GetInt(FaultInExit(view), "id");
  const std::vector<Json> planned = PlannedFaults(*view.cell);
  if (number < 1 || number > static_cast<int64_t>(planned.size()) || !EndedByFault(view))
    return false;
  const Json& process = GetMember(planned[static_cast<size_t>(number) - 1], "process");
  const bool waits = GetMember(process, "event").is_string() || process.contains("offset");
  return waits && GetInt(process, "after") == 0;
}

}  // namespace trireme
