#include "harness/check/progress_checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "harness/base/strings.h"
#include "harness/check/applied_faults.h"
#include "harness/check/knots.h"
#include "harness/check/resumption.h"
#include "harness/check/running_tests.h"

namespace trireme {
namespace {

constexpr size_t kWaitsOfEvidence = 1000;
constexpr size_t kNamedTasks = 4;           // in the message; all are participants
constexpr std::string_view kLoad = "load";  // the wait of a trial that loads its workload itself

bool IsProgress(const Event& event) {
  if (IsWork(event)) return true;
  switch (event.kind) {
    case EventKind::kTaskEnd:
    case EventKind::kSwitch:
      return true;
    // A wait that ended by moving bytes, or a sleep, which always switches: where the kernel does, no
    // other event says so. Other waits may end at once and let nobody run, as an accept() that fails.
    case EventKind::kWake: {
      if (event.key == "sleep") return true;
      if (event.type != ValueType::kInt) return false;
      const Json bytes = event.Value();
      return bytes.is_number_integer() && bytes.get<int64_t>() > 0;
    }
    default:
      return false;
  }
}

struct Progress {
  int64_t last = 0;  // nanoseconds since the trial began
  bool in_last_quarter = false;
};

// What happened after the deadline (the dump of the stacks wakes threads) is no progress.
Progress FindProgress(const TrialView& view) {
  const int64_t deadline = view.exit.timeout;
  Progress progress;
  for (const Event& event : view.history->events()) {
    if (!IsProgress(event) || event.time > deadline) continue;
    progress.last = std::max(progress.last, event.time);
  }
  progress.in_last_quarter = progress.last > deadline - deadline / 4;
  return progress;
}

// The tasks that began and did not end by the deadline, with the kind of the wait that each was in
// then ("" where it was in none): the dump of the stacks may wake them later. Loading goes on while
// it waits for something else, too.
std::map<uint32_t, std::string> UnfinishedTasks(const TrialView& view) {
  std::map<uint32_t, std::string> waits;
  std::set<uint32_t> ended, loading;
  for (const Event& event : view.history->events()) {
    if (event.task == 0 || event.time > view.exit.timeout) continue;
    if (event.kind == EventKind::kTaskEnd) ended.insert(event.task);
    if (event.kind == EventKind::kTaskStart) waits.try_emplace(event.task);
    if (event.kind == EventKind::kWait) waits[event.task] = std::string(event.key);
    if (event.kind == EventKind::kWait && event.key == kLoad) loading.insert(event.task);
    if (event.kind == EventKind::kWake && event.key == kLoad) loading.erase(event.task);
    if (event.kind == EventKind::kWake)
      waits[event.task] = loading.contains(event.task) ? kLoad : "";
    if (event.kind == EventKind::kEnd) ended.insert(event.task);
  }
  for (const uint32_t task : ended) waits.erase(task);
  return waits;
}

std::map<uint32_t, std::string> OpenOperations(const TrialView& view) {
  std::map<uint32_t, std::string> open;
  for (const Operation& operation : view.operations) {
    if (operation.begin <= view.exit.timeout && operation.end > view.exit.timeout)
      open[operation.task] = operation.name;
  }
  return open;
}

// What each blocked task waits for: the same on every runtime.
std::string Subject(const TrialView& view, const std::map<uint32_t, std::string>& waits) {
  const std::map<uint32_t, std::string> open = OpenOperations(view);
  std::set<std::string> lines;
  for (const auto& [task, wait] : waits) {
    if (wait.empty()) continue;
    const auto operation = open.find(task);
    lines.insert(WithoutNumbers(view.TaskName(task)) + " in " + wait +
                 (operation == open.end() ? "" : " during " + operation->second));
  }
  for (const std::string& test : RunningTests(view, view.exit.timeout))
    lines.insert("test " + test);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// "a waits for the lock made at w.py:3 that b holds" where the history says so, else "a in lock".
std::string DescribeTask(const TrialView& view, const WaitGraph& graph, uint32_t task,
                         const std::string& wait) {
  const WaitGraph::Index actor = graph.FindTask(task);
  if (!wait.empty() && wait != kLoad && actor != WaitGraph::kNone)
    return graph.Describe(view, actor);
  return view.TaskName(task) + (wait.empty() ? "" : " in " + wait);
}

// What had become of the workload itself. Dumping the stacks may wake main, which then ends after the
// timeout.
std::string DescribeWorkload(const TrialView& view, const std::map<uint32_t, std::string>& waits) {
  if (view.end != nullptr && view.end->time <= view.exit.timeout)
    return "main ended, but the process did not: ";
  for (const auto& [task, wait] : waits)
    if (wait == kLoad)
      return "the workload did not finish loading (importing it, or its static initialisers): ";
  return "";
}

// A knot explains the hang better than the list of tasks, most of which wait for those in the knot.
std::string DescribeUnfinished(const TrialView& view, const WaitGraph& graph, const Knots& knots,
                               const std::map<uint32_t, std::string>& waits) {
  if (waits.empty()) return "";
  const std::string count = Count(static_cast<int64_t>(waits.size()), "unfinished task");
  if (!knots.knots.empty())
    return ": " + count + "; " + DescribeKnot(view, graph, knots.knots.front());
  std::vector<std::string> parts;
  for (const auto& [task, wait] : waits) {
    if (parts.size() == kNamedTasks) break;
    parts.push_back(DescribeTask(view, graph, task, wait));
  }
  const size_t more = waits.size() - parts.size();
  return ": " + count + " (" + Join(parts, ", ") +
         (more > 0 ? " and " + std::to_string(more) + " more)" : ")");
}

// Tasks, and then the OS threads that run none, which have no name.
std::vector<Participant> ParticipantsOfHang(const TrialView& view,
                                            const std::map<uint32_t, std::string>& waits) {
  std::vector<Participant> participants;
  for (const auto& [task, wait] : waits) participants.push_back(view.ParticipantOf(task));
  for (const TaskStack& stack : view.stacks) {
    if (stack.task.empty())
      participants.push_back({.task = "", .thread = stack.thread, .stack = stack.frames});
  }
  return participants;
}

Json EvidenceOfHang(const TrialView& view, const Progress& progress, const WaitGraph& graph,
                    const Knots& knots, const std::map<uint32_t, std::string>& waits) {
  Json evidence = {{"timeout_ns", view.exit.timeout},
                   {"last_progress_ns", progress.last},
                   {"waits", Json::object()},
                   {"graph", GraphToJson(view, graph, knots)}};
  for (const auto& [task, wait] : waits) {
    if (evidence["waits"].size() == kWaitsOfEvidence) break;
    evidence["waits"][view.TaskName(task)] = wait;
  }
  return evidence;
}

// A workload that waits for a fault's effect hangs where there is none. Of a sweep a trial suffers one of many.
std::string NeverAppliedInWords(const TrialView& view) {
  std::set<std::string> missing;
  if (GetMember(*view.cell, "sweep").is_array()) return "";
  for (const Json& fault : PlannedFaults(*view.cell)) missing.insert(GetString(fault, "name"));
  if (missing.empty()) return "";
  for (const std::string& name : NamesOfAppliedFaults(view)) missing.erase(name);
  std::string text;
  for (const std::string& name : missing) text += "; the fault '" + name + "' was never applied";
  return text;
}

Finding HangFinding(const TrialView& view, const Progress& progress) {
  const std::map<uint32_t, std::string> waits = UnfinishedTasks(view);
  const WaitGraph graph = MakeWaitGraph(view, view.exit.timeout);
  const Knots knots = FindKnots(graph, true);
  std::string message = DescribeWorkload(view, waits) + "no progress from " +
                        FormatDuration(progress.last) + " to the timeout of " +
                        FormatDuration(view.exit.timeout) +
                        DescribeUnfinished(view, graph, knots, waits) +
                        RunningTestsInWords(view, view.exit.timeout) + NeverAppliedInWords(view);
  const std::string subject = Subject(view, waits);
  Finding finding = view.MakeFinding("progress", "hang", subject, std::move(message),
                                     ParticipantsOfHang(view, waits));
  if (!subject.empty()) finding.signature = Signature("hang", view.scenario() + '\n' + subject, {});
  finding.evidence = EvidenceOfHang(view, progress, graph, knots, waits);
  return finding;
}

// Of a trial in which something else goes on: what cannot.
std::string StuckInWords(const TrialView& view) {
  if (!WhyNotWhole(view).empty()) return "";
  const WaitGraph graph = MakeWaitGraph(view, view.exit.timeout);
  for (const Knot& knot : FindKnots(graph, true).knots)
    if (knot.kind != Knot::Kind::kNobody)
      return "; but " + DescribeKnot(view, graph, knot) +
             ": the check 'deadlock' makes that a failure";
  return "";
}

// Of a trial that ends operations all the time and gets none done: its timeout is not what it lacks.
std::string FailuresInWords(const TrialView& view) {
  const int64_t deadline = view.exit.timeout, since = deadline - deadline / 4;
  size_t failed = 0;
  const Operation* last = nullptr;
  for (const Operation& operation : view.operations) {
    if (operation.end <= since || operation.end > deadline) continue;  // an open one ends never
    if (operation.state == OperationState::kOk) return "";
    ++failed;
    if (last == nullptr || operation.end >= last->end) last = &operation;
  }
  if (last == nullptr) return "";
  const std::optional<TrialError> error = ParseError(last->result);
  const bool stands_still = FindStandstill(view, AppliedFaults(view)).has_value();
  return "; but from " + FormatDuration(since) + " on none of " + std::to_string(failed) +
         (failed == 1 ? " operation" : " operations") + " was acknowledged, the last, " +
         last->name + (last->state == OperationState::kFail ? ", failed" : ", was given up") +
         (error ? ": " + error->Family() : "") +
         (stands_still ? ": the check 'invariant' makes that a failure" : "");
}

}  // namespace

std::string_view ProgressChecker::Summary() const {
  return "the trial ends in its time; one that no longer moves is a hang, one that still does is "
         "too slow";
}

CheckResult ProgressChecker::Check(const TrialView& view, const Json& /*arguments*/) const {
  if (!view.exit.present) return Unknown("the history does not say how the trial ended");
  if (view.exit.how != "timeout") return {};
  if (view.exit.timeout <= 0) return Unknown("the history does not say what time the trial had");
  const Progress progress = FindProgress(view);
  if (!progress.in_last_quarter) {
    // What was recorded no more looks as what happened no more.
    if (const std::string why = WhyNotWhole(view); !why.empty())
      return Unknown("it ran out of its time, and whether it still progressed is not known: " +
                     why);
    return Failed(HangFinding(view, progress));
  }
  return Unknown("too slow: it still progressed at its timeout of " +
                 FormatDuration(view.exit.timeout) + RunningTestsInWords(view, view.exit.timeout) +
                 StuckInWords(view) + FailuresInWords(view));
}

}  // namespace trireme
