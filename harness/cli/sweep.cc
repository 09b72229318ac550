#include "harness/cli/sweep.h"

#include <algorithm>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/fault/sweep.h"

namespace trireme {
namespace {

constexpr size_t kMostPoints = 20'000;  // of a cell: what comes after is left out, and said
constexpr size_t kMostPointsShown = 20;  // of those at which a cell failed alike
constexpr size_t kMostWaysShown = 20;    // to fail

// Cells that are compared, or would be if they had a reference.
std::string SiblingsKey(const PlannedCell& cell) {
  return cell.scenario + "\n" + CanonicalJson(cell.params) + "\n" + CanonicalJson(cell.faults);
}

Plan DiscoveryPlan(const Plan& plan, std::vector<size_t>& cells) {
  Plan discovery = {.seed = plan.seed, .profile = plan.profile};
  for (size_t i = 0; i < plan.cells.size(); ++i) {
    if (!plan.cells[i].unsupported.empty() || !Sweeps(plan.cells[i])) continue;
    cells.push_back(i);
    discovery.cells.push_back(plan.cells[i]);
    discovery.cells.back().trials = {0};
  }
  return discovery;
}

// By siblings, the points that any of them came to.
using Points = std::map<std::string, Json>;

Result<Points> DiscoverPoints(const Plan& discovery, const EngineOptions& engine) {
  Points points;
  EngineEvents events;
  events.judge = [&](const FinishedTrial& finished) {
    const PlannedCell& cell = discovery.cells[finished.cell];
    const Result<FaultPlan> plan = FaultPlan::FromJson(cell.fault_plan);
    const Result<History> history =
        History::Read(JoinPath(finished.directory, "history.trh"), &InterruptIsPending);
    if (plan.ok() && history.ok()) {
      Json& known = points.try_emplace(SiblingsKey(cell), Json::array()).first->second;
      known = MergedPoints(known, PointsOfTrial(*plan, *history));
    }
    return Judgement::kPass;
  };
  TRIREME_ASSIGN_OR_RETURN(const EngineOutcome outcome, RunPlan(discovery, engine, events));
  if (!outcome.infrastructure.empty()) return InfrastructureError(outcome.infrastructure);
  if (outcome.interrupted)
    return Diagnostic{.kind = ErrorKind::kNothing,
                      .message = "interrupted while it looked for the points of a sweep"};
  return points;
}

// What is to be said of it, or "".
std::string GivePoints(PlannedCell& cell, const Json& points,
                       const std::vector<int64_t>& only_trials) {
  cell.sweep = points;
  const std::string cut = CutPoints(cell.sweep);
  cell.inputs_per_trial = false;  // other inputs might have other points
  const auto count = static_cast<int64_t>(cell.sweep.size()) + 1;
  cell.trials_of_plan = count;
  cell.trials.clear();
  const bool all = only_trials.empty() || cell.role == "reference";
  for (int64_t trial = 0; trial < count; ++trial)
    if (all || std::find(only_trials.begin(), only_trials.end(), trial) != only_trials.end())
      cell.trials.push_back(trial);
  return cut.empty() ? "" : cell.id + ": " + cut;
}

// What makes two ways to fail one: a reason may say when, or how much.
std::string SignatureOf(const TrialJudgement& judgement) {
  const auto fails = [](const Finding& finding) { return !finding.advisory; };
  const auto first = std::find_if(judgement.findings.begin(), judgement.findings.end(), fails);
  return first == judgement.findings.end() ? judgement.reason : first->signature;
}

// Points by what came of them, in the order in which each first did.
class Alike {
 public:
  // `signature` of what came of it, which `reason` says of this point.
  void Add(const std::string& signature, const std::string& reason, const std::string& point) {
    const auto [known, is_new] = places_.try_emplace(signature, groups_.size());
    if (is_new) groups_.push_back({reason, {}});
    groups_[known->second].points.push_back(point);
  }

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const auto& [reason, points] : groups_) {
      if (lines.size() == kMostWaysShown) break;
      lines.push_back((reason.empty() ? "fails" : reason) + ", at " + PointsInWords(points));
    }
    if (lines.size() < groups_.size())
      lines.push_back("and " + Count(static_cast<int64_t>(groups_.size() - lines.size()), "way") +
                      " more to fail");
    return lines;
  }

 private:
  struct Group {
    std::string reason;
    std::vector<std::string> points;
  };

  static std::string PointsInWords(const std::vector<std::string>& points) {
    const auto shown = static_cast<std::ptrdiff_t>(std::min(points.size(), kMostPointsShown));
    std::string words = Join({points.begin(), points.begin() + shown}, "; ");
    if (points.size() > kMostPointsShown)
      words += "; and " + std::to_string(points.size() - kMostPointsShown) + " more";
    return words;
  }

  std::map<std::string, size_t> places_;
  std::vector<Group> groups_;
};

}  // namespace

bool Sweeps(const PlannedCell& cell) {
  if (cell.fault_plan.is_null()) return false;
  const Result<FaultPlan> plan = FaultPlan::FromJson(cell.fault_plan);
  return plan.ok() && std::any_of(plan->faults.begin(), plan->faults.end(), IsSweep);
}

Status PlanSweeps(PreparedRun& run, const std::vector<int64_t>& only_trials,
                  const EngineOptions& engine) {
  std::vector<size_t> cells;
  const Plan discovery = DiscoveryPlan(run.plan, cells);
  if (cells.empty()) return Done{};
  EngineOptions options = engine;
  options.run_directory = JoinPath(engine.run_directory, "sweep");
  options.record = true;
  options.keep = "all";
  options.fail_fast = false;
  options.watches.clear();
  TRIREME_RETURN_IF_ERROR(MakeDirectories(options.run_directory));
  TRIREME_RETURN_IF_ERROR(WriteFile(JoinPath(options.run_directory, "plan.json"),
                                    DumpJson(discovery.ToJson(), 1) + "\n"));
  TRIREME_ASSIGN_OR_RETURN(const Points points, DiscoverPoints(discovery, options));
  bool any = false;
  for (const size_t index : cells) {
    PlannedCell& cell = run.plan.cells[index];
    const auto found = points.find(SiblingsKey(cell));
    const std::string cut =
        GivePoints(cell, found == points.end() ? Json::array() : found->second, only_trials);
    if (!cut.empty()) run.plan.notes.push_back(cut);
    any = any || !cell.trials.empty();
  }
  if (any) return Done{};
  return Diagnostic{.kind = ErrorKind::kNothing,
                    .message = "the sweep has no trial " + std::to_string(only_trials.front()),
                    .hint = "its trials are one for each point, and trial 0 without a fault"};
}

std::string CutPoints(Json& points) {
  const size_t found = points.size();
  if (found <= kMostPoints) return "";
  points.erase(points.begin() + static_cast<std::ptrdiff_t>(kMostPoints), points.end());
  return "the sweep came to " + std::to_string(found) + " points and tries the first " +
         std::to_string(kMostPoints);
}

void SweepTally::Add(size_t cell, int64_t trial, const TrialJudgement& judgement) {
  const Json& sweep = plan_.cells[cell].sweep;
  if (!sweep.is_array() || trial < 1 || static_cast<size_t>(trial) > sweep.size()) return;
  const std::string fault = GetString(sweep[static_cast<size_t>(trial - 1)], "fault");
  outcomes_[cell][trial] = {judgement.verdict, judgement.reason, SignatureOf(judgement),
                            judgement.faults.contains(fault)};
}

std::map<size_t, std::vector<std::string>> SweepTally::Notes() const {
  std::map<size_t, std::vector<std::string>> notes;
  for (const auto& [cell, trials] : outcomes_) {
    const Json& sweep = plan_.cells[cell].sweep;
    Alike failures;
    size_t reached = 0;
    size_t failed = 0;
    for (const auto& [trial, outcome] : trials) {
      reached += outcome.reached ? 1 : 0;
      if (outcome.verdict != Verdict::kFail) continue;
      ++failed;
      failures.Add(outcome.signature, outcome.reason, DescribePoint(sweep[static_cast<size_t>(trial - 1)]) +
                                       " (trial " + std::to_string(trial) + ")");
    }
    notes[cell] = {"sweep: " + std::to_string(trials.size()) + " of " +
                   std::to_string(sweep.size()) + " points tried, came to " +
                   std::to_string(reached) + ", failed at " + std::to_string(failed)};
    for (const std::string& line : failures.Lines()) notes[cell].push_back("sweep: " + line);
  }
  return notes;
}

}  // namespace trireme
