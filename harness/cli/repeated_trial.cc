#include "harness/cli/repeated_trial.h"

#include <algorithm>
#include <utility>

#include "harness/base/file.h"
#include "harness/check/judge.h"

namespace trireme {
namespace {

// Fewer would leave the reference's own spread unknown.
constexpr size_t kReferenceTrials = 2;

const PlannedCell* FindReference(const Plan& plan, const PlannedCell& cell) {
  if (cell.reference.empty() || cell.reference == cell.id) return nullptr;
  for (const PlannedCell& other : plan.cells)
    if (other.id == cell.reference) return &other;
  return nullptr;
}

PlannedCell UnderFaults(PlannedCell cell, const Json& fault_plan, std::vector<int64_t> trials) {
  cell.fault_plan = fault_plan;
  cell.sweep = nullptr;  // the plan names its points already
  cell.trials = std::move(trials);
  cell.trials_of_plan = static_cast<int64_t>(cell.trials.size());
  return cell;
}

std::vector<int64_t> TrialsOfReference(const PlannedCell& reference, int64_t trial) {
  std::vector<int64_t> trials = {trial};
  for (const int64_t other : reference.trials)
    if (other != trial && trials.size() < kReferenceTrials) trials.push_back(other);
  std::sort(trials.begin(), trials.end());
  return trials;
}

bool ShowsFinding(const TrialJudgement& judgement, const std::string& signature) {
  return std::any_of(judgement.findings.begin(), judgement.findings.end(),
                     [&](const Finding& finding) {
                       return !finding.advisory && finding.signature == signature;
                     });
}

// A trial that failed otherwise is decided: it did not show this.
void CountRepeat(const CellResult& cell, const std::string& signature, Repeats& repeats) {
  const bool shows =
      std::any_of(cell.findings.begin(), cell.findings.end(), [&](const CellFinding& found) {
        return !found.finding.advisory && found.finding.signature == signature;
      });
  repeats.run += cell.trials.executed;
  repeats.failed += shows ? 1 : 0;
  repeats.decided += shows || cell.trials.pass + cell.trials.fail > 0 ? 1 : 0;
}

}  // namespace

RepeatedTrial::RepeatedTrial(const PreparedRun& run, size_t cell, int64_t trial,
                             std::string signature, bool against_reference)
    : run_(run),
      cell_(cell),
      trial_(trial),
      signature_(std::move(signature)),
      against_reference_(against_reference) {}

// A repeat is a cell of its own: a cell has no trial twice.
Plan RepeatedTrial::PlanOf(const Json& fault_plan, int64_t times) const {
  Plan plan = {.seed = run_.plan.seed, .profile = run_.plan.profile};
  plan.suppressions = run_.plan.suppressions;
  const PlannedCell subject = UnderFaults(run_.plan.cells[cell_], fault_plan, {trial_});
  const PlannedCell* reference =
      against_reference_ ? FindReference(run_.plan, run_.plan.cells[cell_]) : nullptr;
  for (int64_t i = 1; i <= times; ++i) {
    plan.cells.push_back(subject);
    PlannedCell& copy = plan.cells.back();
    copy.id += "." + std::to_string(i);
    if (reference == nullptr) copy.reference.clear();
  }
  if (reference != nullptr)
    plan.cells.push_back(
        UnderFaults(*reference, fault_plan, TrialsOfReference(*reference, trial_)));
  return plan;
}

Result<Repeats> RepeatedTrial::Run(const Json& fault_plan, const RepeatRequest& request,
                                   EngineOptions engine, const std::string& folder) const {
  const Plan plan = PlanOf(fault_plan, request.times);
  const Json plan_json = plan.ToJson();
  engine.run_directory = folder;
  engine.fail_fast = request.until_shown && !against_reference_;
  // Its checks want the same recorded, whichever repeat it is.
  const ExtraRecording watch = cell_ < engine.watches.size() ? engine.watches[cell_] : ExtraRecording();
  engine.watches.assign(plan.cells.size(), watch);
  TRIREME_RETURN_IF_ERROR(MakeDirectories(folder));
  TRIREME_RETURN_IF_ERROR(WriteFile(JoinPath(folder, "plan.json"), DumpJson(plan_json, 1) + "\n"));
  RunJudge judge(plan_json, &InterruptIsPending);
  EngineEvents events;
  events.judge = [&](const FinishedTrial& finished) {
    const TrialJudgement judgement =
        judge.JudgeTrial(finished.cell, {.trial = finished.trial,
                                         .retry = finished.retry,
                                         .attempt = finished.attempt,
                                         .directory = finished.directory,
                                         .seconds = finished.seconds});
    if (ShowsFinding(judgement, signature_)) return Judgement::kFail;
    return judgement.verdict == Verdict::kUnknown ? Judgement::kUnknown : Judgement::kPass;
  };
  const Result<EngineOutcome> outcome = RunPlan(plan, engine, events);
  TRIREME_RETURN_IF_ERROR(RemoveTree(folder));
  if (!outcome.ok()) return outcome.error();
  if (!outcome->infrastructure.empty()) return InfrastructureError(outcome->infrastructure);
  Repeats repeats = {.budget_spent = outcome->budget_spent, .interrupted = outcome->interrupted};
  const RunResults results = judge.Finish(Json::object());
  for (size_t i = 0; i < std::min(static_cast<size_t>(request.times), results.cells.size()); ++i)
    CountRepeat(results.cells[i], signature_, repeats);
  return repeats;
}

}  // namespace trireme
