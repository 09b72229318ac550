#include "harness/check/crash_checker.h"

#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/ended_by_fault.h"
#include "harness/check/running_tests.h"

namespace trireme {
namespace {

// "SIGSEGV", "signal 40": sigabbrev_np gives no SIG and nothing for real-time signals.
std::string SignalName(int64_t signal) {
  const char* name = signal > 0 && signal < NSIG ? sigabbrev_np(static_cast<int>(signal)) : nullptr;
  return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

bool MainReturned(const TrialView& view) {
  uint32_t main = 0;
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kTaskStart && event.key == "1") main = event.task;
    if (event.kind == EventKind::kTaskEnd && event.task == main && main != 0) return true;
  }
  return false;
}

// The runners record END last: what main left behind and nobody caught is known by then.
std::string WhenItEnded(const TrialView& view) {
  if (view.end != nullptr) return " after main had ended";
  return MainReturned(view) ? " after main, before what it left behind was known"
                            : " before main ended";
}

// A workload that ends the process while it is loaded broke no rule that its author knows of.
std::string ProtocolError(const std::string& error) {
  return error.starts_with("the workload ended the process")
             ? error
             : "broke the runner protocol: " + error;
}

// What happened, without numbers that differ between runs; "" when the process ended as it should.
struct Death {
  std::string subject, message;
};

Death FindDeath(const TrialView& view) {
  const TrialExit& exit = view.exit;
  if (exit.memory_exceeded) {
    const std::string limit =
        exit.memory_limit ? " of " + std::to_string(*exit.memory_limit) + " bytes" : "";
    return {"memory", "used more memory than its limit" + limit};
  }
  if (!exit.protocol_error.empty()) return {"protocol", ProtocolError(exit.protocol_error)};
  const std::string when = WhenItEnded(view);
  if (exit.how == "signalled") {
    const std::string name = SignalName(exit.signal.value_or(0));
    return {name, "ended by " + name + when};
  }
  if (exit.how == "vanished") return {"vanished", "vanished" + when + ": its runner is gone"};
  // Of one that recorded nothing, which is unknown, nobody knows whether main ended.
  if (exit.how == "exited" && view.begin == nullptr && exit.code.value_or(0) == 0) return {};
  // Where the record of it may be among what is damaged or lost, a process that left with 0 may have ended as it should.
  const bool damaged = !view.history->damage().empty() || !ImpossibleRecord(view).empty() ||
                       view.history->lost() > 0;
  if (exit.how == "exited" && damaged && exit.code.value_or(0) == 0) return {};
  // Whatever ran last, an exit handler or a thread that main left, ended it with that status: the
  // runners themselves leave with 0.
  if (exit.how == "exited" && (view.end == nullptr || exit.code.value_or(0) != 0)) {
    return {"exit", "exited with status " + std::to_string(exit.code.value_or(0)) + when};
  }
  if (const int64_t signal = SignalOfCommand(view); signal > 0) {
    const std::string name = SignalName(signal);
    std::string subject = name;
    for (const std::string& test : RunningTests(view, view.last_time)) subject += "\ntest " + test;
    return {std::move(subject),
            "the command was ended by " + name + RunningTestsInWords(view, view.last_time)};
  }
  return {};
}

// The stack that the process wrote as it died: the first that a handler marked as current, else the
// first.
std::vector<Participant> DyingStack(const TrialView& view) {
  const TaskStack* chosen = nullptr;
  for (const TaskStack& stack : view.stacks) {
    if (chosen == nullptr || stack.header.starts_with("Current thread")) chosen = &stack;
  }
  if (chosen == nullptr) return {};
  return {{.task = chosen->task, .thread = chosen->thread, .stack = chosen->frames}};
}

// Without a stack, the task that ran last and its open operation say where it was.
std::vector<Participant> LastTask(const TrialView& view) {
  const std::vector<Event>& events = view.history->events();
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->kind == EventKind::kExit || event->task == 0) continue;
    return {{.task = view.TaskName(event->task), .thread = event->thread, .stack = {}}};
  }
  return {};
}

}  // namespace

std::string_view CrashChecker::Summary() const {
  return "the process ends by itself, after main, within its memory and the protocol";
}

CheckResult CrashChecker::Check(const TrialView& view, const Json& /*arguments*/) const {
  if (!view.exit.present) return Unknown("the history does not say how the trial ended");
  if (EndedByFault(view)) return {};
  Death death = FindDeath(view);
  if (death.subject.empty()) return {};
  if (const std::string why = WhyNotEndedByFault(view); !why.empty()) death.message += "; " + why;
  std::vector<Participant> participants = DyingStack(view);
  if (participants.empty()) participants = LastTask(view);
  Finding finding =
      view.MakeFinding("crash", "crash", death.subject, std::move(death.message), participants);
  finding.evidence = {{"how", view.exit.how}, {"rss", view.exit.rss}};
  if (view.exit.signal) finding.evidence["signal"] = *view.exit.signal;
  if (view.exit.code) finding.evidence["code"] = *view.exit.code;
  return Failed(std::move(finding));
}

}  // namespace trireme
