#include "harness/check/lock_order_checker.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/strings.h"
#include "harness/check/lock_graph.h"
#include "harness/check/wait_snapshot.h"

namespace trireme {
namespace {

constexpr size_t kCycles = 16;  // of one trial that are reported

// Locks that were made in one place, or nobody knows where, are told apart by their numbers.
std::string LockText(const LockGraph& graph, const std::vector<LockEdge>& cycle, size_t lock) {
  const std::string text = ObjectText(graph.locks[lock].facts);
  int like_it = 0;
  for (const LockEdge& edge : cycle) like_it += ObjectText(graph.locks[edge.from].facts) == text;
  return like_it > 1 ? text + " (number " + std::to_string(graph.locks[lock].number) + ")" : text;
}

std::string TakenText(std::string_view place) {
  return place.empty() ? "" : " (at " + ShortPlace(place) + ")";
}

std::string MessageOf(const TrialView& view, const LockGraph& graph,
                      const std::vector<LockEdge>& cycle) {
  std::vector<std::string> parts;
  for (const LockEdge& edge : cycle)
    parts.push_back(view.TaskName(edge.task) + " took the " + LockText(graph, cycle, edge.from) +
                    TakenText(edge.held_at) + " and then the " + LockText(graph, cycle, edge.to) +
                    TakenText(edge.taken_at));
  return Join(parts, ", ") + ": another time they may wait for each other for ever";
}

std::string CycleSubject(const TrialView& view, const LockGraph& graph,
                         const std::vector<LockEdge>& cycle) {
  std::multiset<std::string> kinds;
  std::set<std::string> names;
  for (const LockEdge& edge : cycle) {
    kinds.insert(graph.locks[edge.from].facts.kind);
    names.insert(WithoutNumbers(view.TaskName(edge.task)));
  }
  std::string text;
  for (const std::string& kind : kinds) text += kind + "\n";
  for (const std::string& name : names) text += name + "\n";
  return text;
}

Json LockToJson(const LockNesting::Lock& lock, std::string_view taken_at) {
  Json json = {
      {"number", lock.number}, {"kind", lock.facts.kind}, {"place", ToValidUtf8(lock.facts.place)}};
  if (!taken_at.empty()) json["taken"] = ToValidUtf8(taken_at);
  return json;
}

// Where it took the second, else its stack at the trial's end, where there is one: it may wait for that still.
Participant ParticipantOf(const TrialView& view, const LockEdge& edge) {
  Participant participant = view.ParticipantOf(edge.task);
  if (!edge.taken_at.empty()) participant.stack = {ToValidUtf8(edge.taken_at)};
  return participant;
}

Finding OrderFinding(const TrialView& view, const LockGraph& graph,
                     const std::vector<LockEdge>& cycle) {
  std::vector<Participant> participants;
  Json evidence = {{"cycle", Json::array()}};
  for (const LockEdge& edge : cycle) {
    participants.push_back(ParticipantOf(view, edge));
    evidence["cycle"].push_back({{"task", view.TaskName(edge.task)},
                                 {"held", LockToJson(graph.locks[edge.from], edge.held_at)},
                                 {"took", LockToJson(graph.locks[edge.to], edge.taken_at)},
                                 {"time_ns", edge.time}});
  }
  const std::string subject = CycleSubject(view, graph, cycle);
  Finding finding = view.MakeFinding("lock-order", "lock-order", subject,
                                     MessageOf(view, graph, cycle), std::move(participants));
  // The stacks, where there are any, are of the trial's end.
  finding.signature = Signature("lock-order", view.scenario() + '\n' + subject, {});
  finding.evidence = std::move(evidence);
  return finding;
}

}  // namespace

std::string_view LockOrderChecker::Summary() const {
  return "tasks that hold a lock and take another do so in orders that fit together";
}

CheckResult LockOrderChecker::Check(const TrialView& view, const Json& /*arguments*/) const {
  if (const std::string why = WhyNotWhole(view); !why.empty()) return Unknown(why);
  if (view.watched() && !HasSnapshots(view))
    return Unknown("no Python in it said which locks its tasks take: other locks are not seen");
  const LockGraph graph = MakeLockGraph(view);
  bool whole = graph.whole;
  CheckResult result;
  std::set<std::string> signatures;
  for (const std::vector<LockEdge>& circle : graph.circles) {
    const LockCycles found = FindLockCycles(circle);
    whole = whole && found.whole;
    for (const std::vector<LockEdge>& cycle : found.cycles) {
      Finding finding = OrderFinding(view, graph, cycle);
      if (result.findings.size() == kCycles || !signatures.insert(finding.signature).second)
        continue;
      if (result.findings.empty()) result.reason = finding.message;
      result.verdict = Verdict::kFail;
      result.findings.push_back(std::move(finding));
    }
  }
  if (result.verdict == Verdict::kFail) return result;
  if (!whole) return Unknown("locks were taken in too many ways to look at each");
  if (!graph.any) return NotExercised("no task came to a lock while it held another");
  return result;
}

}  // namespace trireme
