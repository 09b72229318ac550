#include "harness/check/deadlock_checker.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/knots.h"
#include "harness/check/wait_snapshot.h"

namespace trireme {
namespace {

constexpr size_t kDeadlocks = 16;  // of one trial that are reported

Finding DeadlockFinding(const TrialView& view, const WaitGraph& graph, const Knots& knots,
                        const Knot& knot) {
  std::vector<Participant> participants;
  for (const WaitGraph::Index task : knot.tasks)
    participants.push_back(view.ParticipantOf(graph.actors[task].task));
  const std::string subject = SubjectOf(view, graph, knot);
  Finding finding = view.MakeFinding("deadlock", "deadlock", subject,
                                     DescribeKnot(view, graph, knot), std::move(participants));
  // Not every runtime can tell the stacks of its tasks: what they wait for makes the signature.
  finding.signature = Signature("deadlock", view.scenario() + '\n' + subject, {});
  finding.evidence = GraphToJson(view, graph, knots);
  return finding;
}

Finding SnapshotFinding(const TrialView& view, const WaitSnapshot& snapshot, const Knots& knots,
                        const Knot& knot) {
  std::vector<Participant> participants;
  for (const WaitGraph::Index task : knot.tasks)
    participants.push_back(snapshot.ParticipantOf(view, task));
  Finding finding =
      view.MakeFinding("deadlock", "deadlock", SubjectOf(view, snapshot.graph, knot),
                       DescribeKnot(view, snapshot.graph, knot), std::move(participants));
  finding.evidence = GraphToJson(view, snapshot.graph, knots);
  return finding;
}

// Whether anybody waited for what another gives, and whether all of that was recorded.
struct WaitsSeen {
  bool any = false, without_object = false;
};

WaitsSeen LookForWaits(const TrialView& view, const WaitGraph& graph) {
  WaitsSeen seen = {.any = graph.between_ends};
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kWait) continue;
    // Nearly every wait for bytes is for what comes by itself: the graph knows which are not.
    if (const WaitKind kind = WaitKindOf(event.key); kind == WaitKind::kOther || IsOfStream(kind))
      continue;
    (WaitedFor(event) ? seen.any : seen.without_object) = true;
  }
  return seen;
}

bool AnyWaitsForTheUnknown(const WaitGraph& graph) {
  return std::any_of(graph.actors.begin(), graph.actors.end(), [](const WaitGraph::Actor& actor) {
    return actor.wait && !actor.ended && actor.wait->kind != WaitKind::kOther &&
           actor.wait->object == WaitGraph::kNone && actor.wait->target == WaitGraph::kNone;
  });
}

// Of a watched program: at each moment that its adapter told of. One that was got out of it, by an interrupt say, was stuck
// all the same.
CheckResult CheckSnapshots(const TrialView& view) {
  CheckResult result;
  std::set<std::string> signatures;
  bool any = false;
  for (const Event& event : view.history->events()) {
    if (!IsSnapshot(event)) continue;
    any = true;
    const WaitSnapshot snapshot = ReadSnapshot(event);
    const Knots knots = FindKnots(snapshot.graph, true);
    for (const Knot& knot : knots.knots) {
      Finding finding = SnapshotFinding(view, snapshot, knots, knot);
      if (!signatures.insert(finding.signature).second) continue;
      if (result.findings.empty()) result.reason = finding.message;
      result.verdict = Verdict::kFail;
      result.findings.push_back(std::move(finding));
      if (result.findings.size() == kDeadlocks) return result;
    }
  }
  if (!any)
    return Unknown("no Python in it said what its tasks wait for: other locks are not seen");
  return result;
}

}  // namespace

std::string_view DeadlockChecker::Summary() const {
  return "no task waits for one that waits for it, has ended, or is not there";
}

CheckResult DeadlockChecker::Check(const TrialView& view, const Json& /*arguments*/) const {
  if (const std::string why = WhyNotWhole(view); !why.empty()) return Unknown(why);
  if (view.watched()) return CheckSnapshots(view);
  if (!view.exit.present) return Unknown("the history does not say how the trial ended");
  const bool hung = view.exit.how == "timeout";
  const WaitGraph graph = MakeWaitGraph(view, EndOfWaits(view));
  const Knots knots = FindKnots(graph, hung);
  CheckResult result;
  std::set<std::string> signatures;
  for (const Knot& knot : knots.knots) {
    if (knot.kind == Knot::Kind::kNobody && !hung) continue;
    Finding finding = DeadlockFinding(view, graph, knots, knot);
    if (!signatures.insert(finding.signature).second) continue;
    if (result.findings.empty()) result.reason = finding.message;
    result.verdict = Verdict::kFail;
    result.findings.push_back(std::move(finding));
    if (result.findings.size() == kDeadlocks) break;
  }
  if (result.verdict == Verdict::kFail) return result;
  if (AnyWaitsForTheUnknown(graph))
    return Unknown("a task waits to the end for what its runtime did not record");
  const WaitsSeen seen = LookForWaits(view, graph);
  if (!seen.any && seen.without_object) return Unknown("what tasks waited for was not recorded");
  if (!seen.any) return NotExercised("no task waited for another");
  return result;
}

}  // namespace trireme
