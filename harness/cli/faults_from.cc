#include "harness/cli/faults_from.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

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

// Which trials of a run are meant: one number, in one cell or in any.
struct Source {
  std::string run;
  std::string cell;  // "": any
  int64_t trial = 0;
  std::optional<bool> retry;  // where an attempt is named by its folder; else the one that stands

  bool Has(const SavedTrial& saved) const {
    return saved.trial == trial && (!retry || saved.retry == *retry) && !saved.history.empty() &&
           (cell.empty() || saved.cell == cell);
  }
};

Result<Source> FindSource(const std::string& path, const std::vector<int64_t>& trials) {
  const std::string folder = DirName(path);
  const auto trial = DescribeTrial(path);
  if (trial && BaseName(DirName(folder)) == "trials")
    return Source{DirName(DirName(folder)), trial->cell, trial->trial, trial->retry};
  if (trials.size() != 1)
    return UsageError("option --faults-from: of which trial?", "name it with --trial K");
  const bool is_cell = BaseName(folder) == "trials" && !FileExists(JoinPath(path, "plan.json"));
  if (is_cell) return Source{DirName(folder), BaseName(path), trials[0], std::nullopt};
  return Source{path, "", trials[0], std::nullopt};
}

// Of a trial that was repeated the second attempt, in the place of the first, unless the run ended before that was judged.
std::vector<SavedTrial> AttemptsOf(const Source& source) {
  std::vector<SavedTrial> attempts;
  for (SavedTrial& saved : ListTrials(source.run)) {
    if (!source.Has(saved)) continue;
    const bool again = !source.retry && !attempts.empty() && attempts.back().cell == saved.cell;
    if (!again) {
      attempts.push_back(std::move(saved));
      continue;
    }
    const SavedTrial& second = saved.retry ? saved : attempts.back();
    const bool judged = FileExists(JoinPath(second.directory, "verdict.json"));
    if (saved.retry == judged) attempts.back() = std::move(saved);
  }
  return attempts;
}

// A plan that was written in part, or that is none of ours.
Diagnostic Damaged(const std::string& what, const std::string& hint) {
  return UsageError("option --faults-from: " + what,
                    hint.empty() ? "without its whole plan.json nobody can tell what a run "
                                   "suffered: name another run, or a plan by --faults FILE"
                                 : hint);
}

Result<Plan> ReadSavedPlan(const std::string& run) {
  const std::string file = JoinPath(run, "plan.json");
  const Result<std::string> text = ReadFile(file, kMaxPlan);
  if (!text.ok())
    return UsageError("option --faults-from: '" + run + "' is no run: it has no plan.json",
                      "runs are in trireme-runs, unless --out said otherwise");
  const Result<Json> json = ParseJson(*text, file);
  if (!json.ok()) return Damaged(json.error().message, "");
  Result<Plan> plan = Plan::FromJson(*json);
  if (!plan.ok()) return Damaged(file + ": " + plan.error().message, plan.error().hint);
  return plan;
}

const PlannedCell* FindCell(const Plan& plan, const std::string& id) {
  for (const PlannedCell& cell : plan.cells)
    if (cell.id == id) return &cell;
  return nullptr;
}

struct Applied {
  FaultPlan plan;
  std::vector<std::string> left_out;
  std::string missing;
};

std::string MissingIn(const History& history) {
  if (!history.damage().empty()) return history.damage();
  return history.lost() == 0 ? "" : std::to_string(history.lost()) + " events were not recorded";
}

// Nothing where the trial has none.
Result<std::optional<Applied>> ReadApplied(const SavedTrial& trial, const PlannedCell& cell) {
  FaultPlan planned;
  // Without a plan there is what fiu-ctrl drove.
  if (!cell.fault_plan.is_null()) {
    TRIREME_ASSIGN_OR_RETURN(planned, FaultPlan::FromJson(cell.fault_plan));
  } else {
    planned.name = "fiu-ctrl";
  }
  TRIREME_ASSIGN_OR_RETURN(const History history, History::Read(trial.history));
  Result<PlanOfLog> applied = AppliedPlan(history, planned, kAppliedName);
  if (applied.ok())
    return std::optional(Applied{.plan = std::move(applied->plan),
                                 .left_out = std::move(applied->left_out),
                                 .missing = MissingIn(history)});
  if (applied.error().kind == ErrorKind::kNothing) return std::optional<Applied>();
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

std::string CountOf(int cells, const std::string& suffered) {
  return std::to_string(cells) + (cells == 1 ? " other cell suffered " : " other cells suffered ") +
         suffered;
}

// What is not said of cells that nobody named: "" where there is one.
std::string OtherCells(int same, int none) {
  std::string text = same == 0 ? "" : CountOf(same, "the same");
  if (none == 0) return text;
  return text + (text.empty() ? "" : ", ") + CountOf(none, "none");
}

// The cells of the plan in which that trial is.
std::vector<const PlannedCell*> CellsOf(const Source& source, const Plan& plan) {
  std::vector<const PlannedCell*> cells;
  for (const PlannedCell& cell : plan.cells)
    if ((source.cell.empty() || cell.id == source.cell) &&
        std::find(cell.trials.begin(), cell.trials.end(), source.trial) != cell.trials.end())
      cells.push_back(&cell);
  return cells;
}

// `unreached`: cells whose trial says that it suffered nothing.
Diagnostic NothingApplied(const Source& source, const Plan& plan, const std::string& path,
                          int unreached) {
  const std::string trial = "trial " + std::to_string(source.trial);
  const std::string begin = "option --faults-from: ";
  const std::vector<const PlannedCell*> cells = CellsOf(source, plan);
  const bool planned = std::any_of(cells.begin(), cells.end(), [](const PlannedCell* cell) {
    return !cell->fault_plan.is_null();
  });
  Diagnostic error =
      cells.empty() ? UsageError(begin + path + " has no " + trial,
                                 "'trireme report' shows how many trials a run has, from 0")
      : !planned    ? UsageError(begin + trial + " of " + path + " had no plan of faults",
                                 "name the run of a scenario with `faults`, or one of --faults")
      : unreached > 0
          ? UsageError(begin + "no fault was applied in " + trial + " of " + path,
                       "it ended, or the run did, before it came to one of its plan")
          : UsageError(begin + "there is no history of " + trial + " of " + path,
                       "it was not run, or not kept: see --keep, and 'trireme history'");
  error.kind = ErrorKind::kNothing;
  return error;
}

// What is left out would be another trial: then rather none.
Diagnostic MoreThanAPlan(const Source& source, const std::string& path, const Diagnostic& why,
                         const std::string& replay) {
  return UsageError("option --faults-from: what trial " + std::to_string(source.trial) + " of " +
                        path + " suffered is more than a plan can name: " + why.message,
                    "the trial's own plan and seed bring all of it again: " + replay + " --trial " +
                        std::to_string(source.trial));
}

}  // namespace

Result<FaultsOfTrial> ReadFaultsFrom(const std::string& path, const std::vector<int64_t>& trials) {
  TRIREME_ASSIGN_OR_RETURN(const Source source, FindSource(path, trials));
  TRIREME_ASSIGN_OR_RETURN(const Plan plan, ReadSavedPlan(source.run));
  std::optional<Applied> found;
  std::string folder, replay;
  int same = 0, none = 0;
  for (const SavedTrial& saved : AttemptsOf(source)) {
    const PlannedCell* cell = FindCell(plan, saved.cell);
    if (cell == nullptr) continue;
    TRIREME_ASSIGN_OR_RETURN(std::optional<Applied> applied, ReadApplied(saved, *cell));
    if (!applied) {
      if (!cell->fault_plan.is_null()) ++none;
      continue;
    }
    if (found && FaultsOf(found->plan) != FaultsOf(applied->plan))
      return UsageError("option --faults-from: cells suffered different faults in trial " +
                            std::to_string(source.trial) + " of " + path,
                        "name one: --faults-from " + folder);
    if (found) {
      ++same;
      continue;
    }
    found = std::move(applied);
    folder = saved.directory;
    replay = cell->replay;
  }
  if (!found) return NothingApplied(source, plan, path, none);
  // A damaged history may say what no plan can.
  TRIREME_ASSIGN_OR_RETURN(const FaultPlan checked, FaultPlan::FromJson(found->plan.ToJson()));
  if (const Result<CompiledPlan> compiled = CompilePlan(checked, 0); !compiled.ok())
    return MoreThanAPlan(source, path, compiled.error(), replay);
  return FaultsOfTrial{.choice = {.name = kAppliedName,
                                  .option = "--faults-from",
                                  .argument = folder,
                                  .plan = found->plan.ToJson()},
                       .seed = plan.seed,
                       .missing = found->missing,
                       .left_out = found->left_out,
                       .others = OtherCells(same, none)};
}

}  // namespace trireme
