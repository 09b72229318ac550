#ifndef TRIREME_HARNESS_SCENARIO_PLAN_H_
#define TRIREME_HARNESS_SCENARIO_PLAN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/scenario/scenario.h"

namespace trireme {

// An interpreter that may host Python runtimes.
struct Interpreter {
  std::string name;     // 3.11, 3.13t, or what --python named it
  std::string path;     // of the program
  std::string version;  // 3.11.7
  std::string origin;   // --python, active, setup, pyenv, PATH
  bool gil = true;
};

// One cell that a run plans: scenario x params x runtime x interpreter x fault plan x arm.
struct PlannedCell {
  std::string id;  // patterns.client-eventlet-3.11-1f0c: a slug and a short hash of the cell's key
  std::string scenario, summary, directory;
  std::string runtime, model, language;
  std::string interpreter;       // name, "" for C++
  std::string interpreter_path;  // "" for C++
  Json params = Json::object();
  Json faults = Json::array();  // the name of its fault plan; empty: none
  // Where a fault that sweeps strikes, one point a trial, trial k at [k-1]: of a task {fault, task, name, point, kind}, of
  // system calls {fault, call, side, connection, direction, offset}; null: no sweep, or its points are not known yet.
  Json sweep;
  Json fault_plan;               // what FaultPlan::FromJson() reads; null: none
  Json arm;                      // null
  std::string role = "subject";  // or "reference"
  // The id of the reference's cell: its own for the reference itself, "" when there is none.
  std::string reference;
  std::string reference_name;  // "eventlet/3.11"
  std::string workload;        // absolute path, "" for a command
  std::vector<std::string> command;
  std::vector<std::string> lines;  // as the scenario has them
  // Their numbers, ascending; trial k's seed is TrialSeed(plan.seed, k).
  std::vector<int64_t> trials;
  int64_t trials_of_plan = 1;  // what 100 % of the cell is
  int64_t timeout = 0;         // nanoseconds
  bool isolated_process = false, inputs_per_trial = false, exclusive = false;
  int64_t memory = 0;
  std::vector<CheckChoice> checks;
  Json compare = Json::object();
  Expectation expectation;
  double max_unknown = 0.05;
  std::string unsupported;  // why it cannot run here, "" when it can
  std::string replay;       // without --trial: the reports add it
};

// What a run will do. Same scenarios, options and versions: the same plan.
struct Plan {
  uint64_t seed = 0;
  std::string profile;
  std::vector<PlannedCell> cells;
  // "planted/x on thread: 20 trials may not decide a rate of 0.02..1: 228 always do"
  std::vector<std::string> notes;
  Json suppressions = Json::array();  // findings to leave alone, as the checks read them

  Json ToJson() const;  // plan.json, schema trireme.plan/1
  // Members that are missing take their defaults; kUsage for another schema or what is no plan.
  static Result<Plan> FromJson(const Json& json);
};

struct PlanOptions {
  uint64_t seed = 0;
  std::string profile;                    // quick, ci, nightly or ""
  std::vector<std::string> runtimes;      // empty: all that a scenario allows
  std::vector<Interpreter> interpreters;  // resolved, the chosen ones in order
  // Found, not chosen: a `reference: NAME/INTERPRETER` may need one.
  std::vector<Interpreter> other_interpreters;
  std::optional<int64_t> trials;
  // --trial. Cells with role reference run all of theirs all the same: verdicts rest on them.
  std::vector<int64_t> only_trials;
  std::optional<int64_t> timeout;  // nanoseconds
  std::string reference;
  std::vector<std::pair<std::string, Json>> params;  // --param
  std::vector<std::string> tags;                     // a scenario needs one of them
  bool faults_chosen =
      false;  // the scenarios' faults are those of --faults, which a replay repeats
  // Further options that the replay line has to carry: --python, --scenario-path.
  std::vector<std::string> replay_options;
  std::vector<std::pair<std::string, std::string>> missing_capabilities;  // capability, why
  // Python runtimes that an interpreter cannot host: what they need is not installed there.
  struct Unhostable {
    std::string runtime;
    std::string interpreter_path;
    std::string reason;
  };
  std::vector<Unhostable> unhostable;
};

// Whether the plan of `scenario` would have Python cells, those of its reference among them, if
// interpreters were found.
bool PlansPython(const Scenario& scenario, const PlanOptions& options,
                 const Vocabulary& vocabulary);

// Profiles: quick runs a tenth of a scenario's trials (rounded up), ci them as written, nightly ten
// times as many. kNothing when no cell remains; kUsage when a cell count is absurd or an option
// names what no scenario has.
Result<Plan> MakePlan(const std::vector<Scenario>& scenarios, const PlanOptions& options,
                      const Vocabulary& vocabulary);

// KEY=VALUE of --param. VALUE is read as a scenario's scalar is, or as JSON when it begins with [ {
// or ".
Result<std::pair<std::string, Json>> ParseParam(const std::string& text);
// The same back, unquoted: ParseParam(FormatParam(key, value)) gives (key, value).
std::string FormatParam(const std::string& key, const Json& value);

struct Estimate {
  int64_t nanoseconds = 0;
  std::string basis;  // what it rests on, in words
};

// How long the plan takes with `jobs` trials at once. `earlier` holds the seconds of one trial by
// cell id, from a run before; for other cells it is what an empty trial of the runtime costs, which
// the workload's own time comes on top of.
Estimate EstimateRun(const Plan& plan, int jobs, const std::map<std::string, double>& earlier = {});

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_PLAN_H_
