#include "harness/cli/sweep.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/fault/task.h"

namespace trireme {
namespace {

constexpr size_t kMostPoints = 20'000;  // of a cell: what comes after is left out, and said
constexpr size_t kMostFailuresShown = 20;

struct NamedSweep {
  std::string name;
  TaskFault fault;
};

std::vector<NamedSweep> SweepsOf(const PlannedCell& cell) {
  std::vector<NamedSweep> sweeps;
  if (cell.fault_plan.is_null()) return sweeps;
  const Result<FaultPlan> plan = FaultPlan::FromJson(cell.fault_plan);
  if (!plan.ok()) return sweeps;
  for (const Fault& fault : plan->faults) {
    if (fault.key != TaskFaultClass().key) continue;
    Result<TaskFault> read = ReadTaskFault(fault);
    if (read.ok() && read->every_point) sweeps.push_back({fault.name, *std::move(read)});
  }
  return sweeps;
}

// "1.10.2" comes after "1.9".
std::vector<int64_t> PathNumbers(const std::string& path) {
  std::vector<int64_t> numbers;
  for (const std::string& part : Split(path, '.'))
    numbers.push_back(static_cast<int64_t>(ParseUnsigned(part).value_or(0)));
  return numbers;
}

using PointKey = std::tuple<std::string, std::vector<int64_t>, int64_t>;

PointKey KeyOf(const Json& point) {
  return {GetString(point, "fault"), PathNumbers(GetString(point, "task")), GetInt(point, "point")};
}

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
using Points = std::map<std::string, std::map<PointKey, Json>>;

Result<Points> DiscoverPoints(const Plan& discovery, const EngineOptions& engine) {
  Points points;
  EngineEvents events;
  events.judge = [&](const FinishedTrial& finished) {
    const PlannedCell& cell = discovery.cells[finished.cell];
    const Result<History> history = History::Read(JoinPath(finished.directory, "history.trh"));
    if (history.ok())
      for (const Json& point : PointsOfTrial(cell, *history))
        points[SiblingsKey(cell)].emplace(KeyOf(point), point);
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
std::string GivePoints(PlannedCell& cell, const std::map<PointKey, Json>& points,
                       const std::vector<int64_t>& only_trials) {
  cell.sweep = Json::array();
  for (const auto& [key, point] : points) cell.sweep.push_back(point);
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

std::string ShownPoint(const Json& point) {
  return GetString(point, "task") + " (" + GetString(point, "name") + ") at point " +
         std::to_string(GetInt(point, "point")) + ", " + GetString(point, "kind");
}

}  // namespace

bool Sweeps(const PlannedCell& cell) { return !SweepsOf(cell).empty(); }

Json PointsOfTrial(const PlannedCell& cell, const History& history) {
  std::map<PointKey, Json> points;
  const std::vector<NamedSweep> sweeps = SweepsOf(cell);
  for (const Event& event : history.events()) {
    if (event.kind != EventKind::kWait || event.id == 0) continue;
    const Task* task = history.FindTask(event.task);
    if (task == nullptr) continue;
    for (const NamedSweep& sweep : sweeps) {
      const std::string& pattern = sweep.fault.task;
      if (!GlobMatches(pattern, task->path) && !GlobMatches(pattern, task->name)) continue;
      const Json point = {{"fault", sweep.name},
                          {"task", task->path},
                          {"name", task->name},
                          {"point", event.id},
                          {"kind", std::string(event.key)}};
      points.emplace(KeyOf(point), point);
    }
  }
  Json list = Json::array();
  for (auto& [key, point] : points) list.push_back(std::move(point));
  return list;
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
    const std::map<PointKey, Json> none;
    const std::string cut =
        GivePoints(cell, found == points.end() ? none : found->second, only_trials);
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

void SweepTally::Add(size_t cell, int64_t trial, Verdict verdict, const std::string& reason) {
  if (plan_.cells[cell].sweep.is_array()) outcomes_[cell][trial] = {verdict, reason};
}

std::map<size_t, std::string> SweepTally::Notes() const {
  std::map<size_t, std::string> notes;
  for (const auto& [cell, trials] : outcomes_) {
    const Json& sweep = plan_.cells[cell].sweep;
    std::vector<std::string> failures;
    size_t tried = 0;
    for (const auto& [trial, outcome] : trials) {
      if (trial == 0 || static_cast<size_t>(trial) > sweep.size()) continue;
      ++tried;
      if (outcome.verdict != Verdict::kFail) continue;
      failures.push_back("trial " + std::to_string(trial) + ": " +
                         ShownPoint(sweep[static_cast<size_t>(trial - 1)]) +
                         (outcome.reason.empty() ? "" : ": " + outcome.reason));
    }
    std::string note = "sweep: " + std::to_string(tried) + " of " + std::to_string(sweep.size()) +
                       " points tried, it failed at " + std::to_string(failures.size());
    for (size_t i = 0; i < std::min(failures.size(), kMostFailuresShown); ++i)
      note += (i == 0 ? ": " : "; ") + failures[i];
    if (failures.size() > kMostFailuresShown)
      note += "; and " + std::to_string(failures.size() - kMostFailuresShown) + " more";
    notes[cell] = note;
  }
  return notes;
}

}  // namespace trireme
