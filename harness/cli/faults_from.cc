#include "harness/cli/faults_from.h"

#include <optional>
#include <set>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/saved_run.h"
#include "harness/fault/applied_plan.h"
#include "harness/fault/compile.h"
#include "harness/history/history.h"
#include "harness/scenario/plan.h"

namespace trireme {
namespace {

constexpr const char* kAppliedName = "applied";
constexpr int64_t kMaxPlan = 256 << 20;

// RUN and "", or RUN and CELL of RUN/trials/CELL.
std::pair<std::string, std::string> SplitCell(const std::string& path) {
  if (FileExists(JoinPath(path, "plan.json"))) return {path, ""};
  const std::string trials = DirName(path);
  if (BaseName(trials) == "trials") return {DirName(trials), BaseName(path)};
  return {path, ""};
}

Result<Plan> ReadSavedPlan(const std::string& run) {
  const std::string file = JoinPath(run, "plan.json");
  const Result<std::string> text = ReadFile(file, kMaxPlan);
  if (!text.ok())
    return UsageError("option --faults-from: '" + run + "' is no run: it has no plan.json",
                      "runs are in trireme-runs, unless --out said otherwise");
  TRIREME_ASSIGN_OR_RETURN(const Json json, ParseJson(*text, file));
  return Plan::FromJson(json);
}

const PlannedCell* FindCell(const Plan& plan, const std::string& id) {
  for (const PlannedCell& cell : plan.cells)
    if (cell.id == id) return &cell;
  return nullptr;
}

// Nothing where the trial has none.
Result<std::optional<FaultPlan>> ReadApplied(const SavedTrial& trial, const PlannedCell& cell) {
  TRIREME_ASSIGN_OR_RETURN(const FaultPlan planned, FaultPlan::FromJson(cell.fault_plan));
  TRIREME_ASSIGN_OR_RETURN(const History history, History::Read(trial.history));
  Result<FaultPlan> applied = AppliedPlan(history, planned, kAppliedName);
  if (applied.ok()) return std::optional<FaultPlan>(*std::move(applied));
  if (applied.error().kind == ErrorKind::kNothing) return std::optional<FaultPlan>();
  return std::move(applied).error();
}

// What the faults are, whatever their order, which is that of time, and so their numbers.
std::multiset<std::string> FaultsOf(const FaultPlan& plan) {
  std::multiset<std::string> faults;
  Json all = plan.ToJson()["all"];
  for (Json& fault : all) {
    fault.erase("name");
    faults.insert(CanonicalJson(fault));
  }
  return faults;
}

}  // namespace

Result<FaultsOfTrial> ReadFaultsFrom(const std::string& path, int64_t trial) {
  const auto [run, wanted] = SplitCell(path);
  TRIREME_ASSIGN_OR_RETURN(const Plan plan, ReadSavedPlan(run));
  std::optional<FaultPlan> found;
  std::vector<std::string> cells;
  bool differ = false;
  for (const SavedTrial& saved : ListTrials(run)) {
    const PlannedCell* cell = FindCell(plan, saved.cell);
    if (saved.trial != trial || saved.retry || saved.history.empty() || cell == nullptr ||
        cell->fault_plan.is_null() || (!wanted.empty() && saved.cell != wanted))
      continue;
    TRIREME_ASSIGN_OR_RETURN(std::optional<FaultPlan> applied, ReadApplied(saved, *cell));
    if (!applied) continue;
    cells.push_back(saved.cell);
    differ = differ || (found && FaultsOf(*found) != FaultsOf(*applied));
    if (!found) found = std::move(applied);
  }
  const std::string trial_name = "trial " + std::to_string(trial) + " of " + path;
  if (differ)
    return UsageError("option --faults-from: cells suffered different faults in " + trial_name,
                      "name one: --faults-from " + JoinPath(JoinPath(run, "trials"), cells[0]));
  if (!found) {
    Diagnostic error =
        UsageError("option --faults-from: no fault was applied in " + trial_name,
                   "its history must still be there: see --keep, and 'trireme history'");
    error.kind = ErrorKind::kNothing;
    return error;
  }
  // A damaged history may say what no plan can.
  TRIREME_ASSIGN_OR_RETURN(const FaultPlan checked, FaultPlan::FromJson(found->ToJson()));
  TRIREME_RETURN_IF_ERROR(CompilePlan(checked, 0));
  return FaultsOfTrial{.choice = {.name = kAppliedName,
                                  .option = "--faults-from",
                                  .argument = path,
                                  .plan = found->ToJson()},
                       .seed = plan.seed};
}

}  // namespace trireme
