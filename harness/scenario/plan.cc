#include "harness/scenario/plan.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "harness/scenario/cell_id.h"
#include "harness/scenario/plan_options.h"
#include "harness/scenario/rate.h"
#include "harness/scenario/replay.h"
#include "harness/scenario/words.h"

namespace trireme {
namespace {

constexpr size_t kMostCells = 100'000;
constexpr int64_t kMostTrials = 10'000'000;

// The params of each cell that one runtime gets: the scenario's, its matrix multiplied out, and
// --param over both.
std::vector<Json> ExpandParams(const Scenario& scenario, const PlanOptions& options) {
  std::vector<Json> combinations = {scenario.params};
  for (const auto& [axis, values] : scenario.matrix) {
    std::vector<Json> wider;
    for (const Json& combination : combinations) {
      for (const Json& value : values) {
        wider.push_back(combination);
        wider.back()[axis] = value;
      }
    }
    combinations = std::move(wider);
  }
  for (const auto& [key, value] : options.params) {
    for (Json& combination : combinations)
      if (combination.contains(key)) combination[key] = value;
    // A value given for an axis leaves one of what was several.
    std::vector<Json> distinct;
    for (Json& combination : combinations)
      if (std::find(distinct.begin(), distinct.end(), combination) == distinct.end())
        distinct.push_back(std::move(combination));
    combinations = std::move(distinct);
  }
  return combinations;
}

// Why `runtime` cannot run on `host`, as far as the options know; "" when it can.
std::string WhyNotOn(const Vocabulary::Runtime& runtime, const Interpreter& host,
                     const PlanOptions& options) {
  if (runtime.language != "python") return "";
  if (host.name.empty()) return "no Python interpreter was found: run 'trireme setup'";
  if (host.path.empty()) return "no interpreter " + host.name + " was found: run 'trireme setup'";
  for (const PlanOptions::Unhostable& one : options.unhostable)
    if (one.runtime == runtime.name && one.interpreter_path == host.path) return one.reason;
  return "";
}

// Why it can run on none of the chosen interpreters: the reason of the first.
std::string WhyNowhere(const Vocabulary::Runtime& runtime, const PlanOptions& options) {
  if (options.interpreters.empty()) return WhyNotOn(runtime, Interpreter{}, options);
  std::string first;
  for (const Interpreter& host : options.interpreters) {
    const std::string why = WhyNotOn(runtime, host, options);
    if (why.empty()) return "";
    if (first.empty()) first = why;
  }
  return first;
}

// The runtime that a scenario's others are compared with, and its interpreter where the scenario or
// the user fixed it.
struct Reference {
  std::string runtime, interpreter;
  // Where nobody named it and an earlier one of the order cannot run here: that, and why.
  std::string instead_of, why;
};

// What was named stays the reference, also where it cannot run: to compare with something else is
// not what was asked for.
Reference ChooseReference(const Scenario& scenario, const PlanOptions& options,
                          const Vocabulary& vocabulary) {
  for (const std::string& wish : {options.reference, scenario.reference}) {
    const size_t slash = wish.find('/');
    const std::string runtime = wish.substr(0, slash);
    if (!Contains(scenario.runtimes, runtime)) continue;
    return {runtime, slash == std::string::npos ? "" : wish.substr(slash + 1)};
  }
  Reference first;
  for (const std::string name : {"eventlet", "threading", "thread", "fiber"}) {
    if (!Contains(scenario.runtimes, name)) continue;
    const std::string why = WhyNowhere(*FindRuntime(vocabulary, name), options);
    if (why.empty()) return {name, "", first.runtime, first.why};
    if (first.runtime.empty()) first = {name, "", "", why};
  }
  return {first.runtime, "", "", ""};
}

std::string ReferenceName(const PlannedCell& cell) {
  return cell.interpreter.empty() ? cell.runtime : cell.runtime + "/" + cell.interpreter;
}

// Plans the cells of one scenario.
class ScenarioPlanner {
 public:
  ScenarioPlanner(const Scenario& scenario, const PlanOptions& options,
                  const Vocabulary& vocabulary)
      : scenario_(scenario),
        options_(options),
        vocabulary_(vocabulary),
        reference_(ChooseReference(scenario, options, vocabulary)) {
    for (const auto& [axis, values] : scenario.matrix) axes_.push_back(axis);
    for (const std::string& runtime : scenario.runtimes)
      if (options.runtimes.empty() || Contains(options.runtimes, runtime))
        runtimes_.push_back(runtime);
  }

  // "threading is the reference instead of eventlet, which cannot run here: ...", "" when it is
  // the first of the order, or was named.
  std::string FallbackNote() const {
    if (reference_.instead_of.empty()) return "";
    return reference_.runtime + " is the reference instead of " + reference_.instead_of +
           ", which cannot run here: " + reference_.why;
  }

  std::vector<PlannedCell> Plan() const {
    std::vector<PlannedCell> cells;
    if (runtimes_.empty() || !HasChosenTrial(scenario_, options_)) return cells;
    for (const Json& params : ExpandParams(scenario_, options_)) {
      for (const FaultChoice& faults : scenario_.faults) {
        std::vector<PlannedCell> siblings = Siblings({params, faults});
        std::move(siblings.begin(), siblings.end(), std::back_inserter(cells));
        if (cells.size() > kMostCells) return cells;
      }
    }
    return cells;
  }

 private:
  // The interpreters that host a runtime; one without a name stands for "none", and hosts C++ too.
  std::vector<Interpreter> Hosts(const Vocabulary::Runtime& runtime) const {
    if (runtime.language != "python" || options_.interpreters.empty()) return {Interpreter{}};
    return options_.interpreters;
  }

  // What cells that are compared with each other share.
  struct Setting {
    const Json& params;
    const FaultChoice& faults;
  };

  std::vector<PlannedCell> Siblings(const Setting& setting) const {
    std::vector<PlannedCell> siblings = Subjects(setting);
    AddReferences(siblings, setting);
    for (PlannedCell& cell : siblings) PointAtReference(cell, siblings);
    for (PlannedCell& cell : siblings)
      cell.replay = ReplayLine(scenario_, cell, siblings, setting.faults, ReplayOptions());
    return siblings;
  }

  std::vector<PlannedCell> Subjects(const Setting& setting) const {
    std::vector<PlannedCell> cells;
    for (const std::string& name : runtimes_) {
      const Vocabulary::Runtime& runtime = *FindRuntime(vocabulary_, name);
      for (const Interpreter& host : Hosts(runtime))
        cells.push_back(MakeCell(runtime, host, setting, "subject"));
    }
    return cells;
  }

  // What a selection left out: the reference on each interpreter that a Python cell runs on, on the
  // first when only C++ is compared, or on the one that was asked for.
  void AddReferences(std::vector<PlannedCell>& cells, const Setting& setting) const {
    if (reference_.runtime.empty()) return;
    const Vocabulary::Runtime& runtime = *FindRuntime(vocabulary_, reference_.runtime);
    std::vector<Interpreter> hosts = Hosts(runtime);
    if (!reference_.interpreter.empty()) hosts = {FindInterpreter(reference_.interpreter)};
    const auto is_python = [](const PlannedCell& cell) { return cell.language == "python"; };
    if (std::none_of(cells.begin(), cells.end(), is_python)) hosts.resize(1);
    for (const Interpreter& host : hosts) {
      const auto is_there = [&](const PlannedCell& cell) {
        return cell.runtime == runtime.name && cell.interpreter == host.name;
      };
      if (std::none_of(cells.begin(), cells.end(), is_there))
        cells.push_back(MakeCell(runtime, host, setting, "reference"));
    }
  }

  Interpreter FindInterpreter(const std::string& name) const {
    for (const auto* interpreters : {&options_.interpreters, &options_.other_interpreters})
      for (const Interpreter& interpreter : *interpreters)
        if (interpreter.name == name) return interpreter;
    return {.name = name};
  }

  // On the cell's own interpreter where the reference is planned there, else on the first where it
  // is.
  void PointAtReference(PlannedCell& cell, const std::vector<PlannedCell>& siblings) const {
    const PlannedCell* best = nullptr;
    for (const PlannedCell& other : siblings) {
      if (other.runtime != reference_.runtime) continue;
      if (!reference_.interpreter.empty() && other.interpreter != reference_.interpreter) continue;
      if (best == nullptr ||
          (other.interpreter == cell.interpreter && best->interpreter != cell.interpreter))
        best = &other;
    }
    if (best == nullptr) return;
    cell.reference = best->id;
    cell.reference_name = ReferenceName(*best);
  }

  PlannedCell MakeCell(const Vocabulary::Runtime& runtime, const Interpreter& host,
                       const Setting& setting, const std::string& role) const {
    PlannedCell cell = {.scenario = scenario_.name,
                        .summary = scenario_.summary,
                        .directory = scenario_.directory,
                        .runtime = runtime.name,
                        .model = runtime.model,
                        .language = runtime.language,
                        .interpreter = host.name,
                        .interpreter_path = host.path,
                        .params = setting.params,
                        .fault_plan = setting.faults.plan,
                        .role = role,
                        .command = scenario_.command,
                        .lines = scenario_.lines,
                        .trials = Trials(role),
                        .trials_of_plan = TrialsOf(scenario_, options_),
                        .timeout = options_.timeout.value_or(scenario_.timeout),
                        .isolated_process = scenario_.isolated_process,
                        .inputs_per_trial = scenario_.inputs_per_trial,
                        .exclusive = scenario_.exclusive,
                        .memory = scenario_.memory,
                        .checks = scenario_.checks,
                        .compare = scenario_.compare,
                        .expectation = ExpectationFor(scenario_, runtime, host.name),
                        .max_unknown = scenario_.max_unknown,
                        .unsupported = WhyUnsupported(runtime, host)};
    if (scenario_.command.empty())
      cell.workload = runtime.language == "python" ? scenario_.python : scenario_.cpp;
    if (!cell.fault_plan.is_null()) cell.faults.push_back(setting.faults.name);
    cell.id = CellId(cell, axes_);
    return cell;
  }

  // A machine that has what this one lacks is to compare with the same reference.
  PlanOptions ReplayOptions() const {
    PlanOptions options = options_;
    if (!reference_.instead_of.empty()) options.reference = reference_.runtime;
    return options;
  }

  std::vector<int64_t> Trials(const std::string& role) const {
    std::vector<int64_t> trials;
    const int64_t count = TrialsOf(scenario_, options_);
    for (int64_t trial = 0; trial < count && options_.only_trials.empty(); ++trial)
      trials.push_back(trial);
    if (!trials.empty()) return trials;
    // A verdict rests on all that the reference showed, so only the subject's trials are picked.
    for (int64_t trial = 0; trial < count; ++trial) {
      const auto& only = options_.only_trials;
      if (role == "reference" || std::find(only.begin(), only.end(), trial) != only.end())
        trials.push_back(trial);
    }
    return trials;
  }

  std::string WhyUnsupported(const Vocabulary::Runtime& runtime, const Interpreter& host) const {
    if (std::string why = WhyNotOn(runtime, host, options_); !why.empty()) return why;
    for (const auto& [capability, why] : options_.missing_capabilities)
      if (Contains(scenario_.requirements, capability)) return "needs " + capability + ": " + why;
    return "";
  }

  const Scenario& scenario_;
  const PlanOptions& options_;
  const Vocabulary& vocabulary_;
  Reference reference_;
  std::vector<std::string> axes_, runtimes_;
};

// "planted/x on threading: 20 trials may not decide a rate of 0.02..1: 228 always do", "" when they
// do. A selection decides none.
std::string RateNote(const PlannedCell& cell) {
  const Expectation& expectation = cell.expectation;
  if (!expectation.has_rate || cell.role != "subject" || !cell.unsupported.empty()) return "";
  const int64_t needed = TrialsToDecideRate(expectation.rate_low, expectation.rate_high);
  const std::string rate = FormatRate(expectation.rate_low, expectation.rate_high);
  const std::string of_plan = std::to_string(cell.trials_of_plan) + " trials";
  std::string note = cell.scenario + " on " + cell.runtime + ": ";
  if (static_cast<int64_t>(cell.trials.size()) < cell.trials_of_plan)
    return note + std::to_string(cell.trials.size()) + " of " + of_plan + " chosen: the rate of " +
           rate + " is not judged, pass and fail are both expected";
  if (cell.trials_of_plan >= needed) return "";
  return note + of_plan + " may not decide a rate of " + rate + ": " + std::to_string(needed) +
         " always do";
}

std::string ReferenceNote(const PlannedCell& cell) {
  const auto is_equivalence = [](const CheckChoice& check) { return check.name == "equivalence"; };
  if (!cell.reference.empty() ||
      std::none_of(cell.checks.begin(), cell.checks.end(), is_equivalence))
    return "";
  return cell.scenario +
         ": none of eventlet, threading, thread and fiber is among its runtimes, so nothing is its "
         "reference and equivalence cannot be decided";
}

void AddNote(Plan& plan, std::set<std::string>& said, const std::string& note) {
  if (!note.empty() && said.insert(note).second) plan.notes.push_back(note);
}

// Ids are file names, so two cells may not share one. Siblings of one matrix hash to 48 bits, so
// 10,000 of them collide in one plan of five million; two scenarios collide when their names differ
// in odd characters only.
Status CheckIds(const Plan& plan) {
  std::set<std::string_view> ids;
  for (const PlannedCell& cell : plan.cells)
    if (!ids.insert(cell.id).second)
      return UsageError("two cells share the id " + cell.id,
                        "change the name of one scenario, or a param of it");
  return Done{};
}

}  // namespace

bool PlansPython(const Scenario& scenario, const PlanOptions& options,
                 const Vocabulary& vocabulary) {
  PlanOptions with_python = options;
  with_python.interpreters = {{.name = "any", .path = "any"}};
  const auto is_python = [&](const std::string& name) {
    const Vocabulary::Runtime* runtime = FindRuntime(vocabulary, name);
    return runtime != nullptr && runtime->language == "python";
  };
  bool any = false;
  for (const std::string& name : scenario.runtimes) {
    if (!options.runtimes.empty() && !Contains(options.runtimes, name)) continue;
    if (is_python(name)) return true;
    any = true;
  }
  return any && is_python(ChooseReference(scenario, with_python, vocabulary).runtime);
}

namespace {

Status CheckLateFaults(const Scenario& scenario, const PlanOptions& options) {
  const int64_t timeout = options.timeout.value_or(scenario.timeout);
  for (const FaultChoice& choice : scenario.faults) {
    for (const LateFault& late : choice.late) {
      if (late.after < timeout) continue;
      Diagnostic error = late.place;
      error.message = late.name + ": it can never apply: a trial of " + scenario.name +
                      " is over after " + FormatDuration(timeout);
      error.hint = "let it begin earlier, or give a trial longer by `timeout` or --timeout";
      return error;
    }
  }
  return Done{};
}

}  // namespace

Result<Plan> MakePlan(const std::vector<Scenario>& scenarios, const PlanOptions& options,
                      const Vocabulary& vocabulary) {
  TRIREME_ASSIGN_OR_RETURN(const std::vector<const Scenario*> chosen,
                           ChooseScenarios(scenarios, options));
  TRIREME_RETURN_IF_ERROR(CheckOptions(chosen, options, vocabulary));
  Plan plan;
  plan.seed = options.seed;
  plan.profile = options.profile;
  std::set<std::string> said;
  int64_t trials = 0;
  for (const Scenario* scenario : chosen) {
    TRIREME_RETURN_IF_ERROR(CheckLateFaults(*scenario, options));
    const ScenarioPlanner planner(*scenario, options, vocabulary);
    std::vector<PlannedCell> cells = planner.Plan();
    if (!cells.empty()) AddNote(plan, said, planner.FallbackNote());
    for (PlannedCell& cell : cells) {
      AddNote(plan, said, RateNote(cell));
      AddNote(plan, said, ReferenceNote(cell));
      trials += static_cast<int64_t>(cell.trials.size());
      plan.cells.push_back(std::move(cell));
      if (plan.cells.size() > kMostCells)
        return UsageError("this plans more than " + std::to_string(kMostCells) + " cells",
                          "choose fewer scenarios, runtimes or interpreters");
      if (trials > kMostTrials)
        return UsageError("this plans more than " + std::to_string(kMostTrials) + " trials",
                          "ask for fewer --trials");
    }
  }
  if (plan.cells.empty()) return NothingToRun("no cell to run");
  TRIREME_RETURN_IF_ERROR(CheckIds(plan));
  return plan;
}

}  // namespace trireme
