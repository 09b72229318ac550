#include "harness/cli/run_preparation.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "harness/base/subprocess.h"
#include "harness/cli/capabilities.h"
#include "harness/cli/console.h"
#include "harness/cli/fault_support.h"
#include "harness/cli/faults.h"
#include "harness/cli/faults_from.h"
#include "harness/cli/interpreters.h"
#include "harness/cli/python_packages.h"
#include "harness/cli/python_preflight.h"
#include "harness/cli/vocabulary.h"
#include "harness/engine/workload_compiler.h"
#include "harness/scenario/discovery.h"

namespace trireme {
namespace {

std::string InterpreterOf(const std::string& reference) {
  const size_t slash = reference.find('/');
  return slash == std::string::npos ? "" : reference.substr(slash + 1);
}

// Why what the scenarios require is missing here.
std::vector<std::pair<std::string, std::string>> MissingCapabilities(
    const std::vector<Scenario>& scenarios) {
  std::set<std::string> required;
  for (const Scenario& scenario : scenarios)
    required.insert(scenario.requirements.begin(), scenario.requirements.end());
  std::vector<std::pair<std::string, std::string>> missing;
  if (required.empty()) return missing;
  for (const Capability& capability : ProbeCapabilities({required.begin(), required.end()}))
    if (!capability.available) missing.emplace_back(capability.name, capability.reason);
  return missing;
}

}  // namespace

std::vector<std::string> ScenarioPaths(const std::vector<std::string>& given,
                                       const Locations& locations) {
  std::vector<std::string> paths = given;
  if (paths.empty() && IsDirectory("scenarios")) paths.emplace_back("scenarios");
  if (IsDirectory(locations.scenarios)) paths.push_back(locations.scenarios);
  return paths;
}

RunPreparation::RunPreparation(const RunOptions& options, const Locations& locations)
    : options_(options),
      locations_(locations),
      entropy_(EntropySeed() & 0xffffffffU),
      vocabulary_(MakeVocabulary(ScenarioPaths(options.scenario_paths, locations))) {}

std::variant<PreparedRun, std::vector<Diagnostic>> RunPreparation::Prepare() {
  for (const auto step : {&RunPreparation::ReadScenarios, &RunPreparation::ChooseInterpreters,
                          &RunPreparation::MakePlan, &RunPreparation::CheckPythonWorkloads,
                          &RunPreparation::CompileWorkloads})
    if (Errors errors = (this->*step)(); !errors.empty()) return errors;
  return std::move(run_);
}

RunPreparation::Errors RunPreparation::ReadScenarios() {
  for (const std::string& path : options_.scenario_paths)
    if (!IsDirectory(path))
      return {UsageError("option --scenario-path: there is no folder '" + path + "'")};
  if (!options_.command.empty()) {
    Scenario command = MakeCommandScenario(options_.command, RealPath("."), vocabulary_);
    command.exclusive = !options_.trials_may_meet;
    scenarios_ = {std::move(command)};
    return ApplyFaults();
  }
  std::vector<std::string> paths = ScenarioPaths(options_.scenario_paths, locations_);
  // Without arguments the user's own are meant, where there are any.
  if (options_.scenarios.empty() && paths.size() > 1) paths.pop_back();
  const auto files = FindScenarios(options_.scenarios, paths);
  if (!files.ok()) return {files.error()};
  Errors errors;
  for (const ScenarioFile& file : *files) {
    Result<std::vector<Scenario>> scenario = LoadScenarios({file}, vocabulary_);
    if (scenario.ok())
      scenarios_.push_back(std::move(scenario->front()));
    else
      errors.push_back(scenario.error());
  }
  return errors.empty() ? ApplyFaults() : errors;
}

RunPreparation::Errors RunPreparation::ApplyFaults() {
  if (!options_.faults_from.empty()) return TakeFaultsFrom();
  if (options_.faults.empty()) return {};
  for (Scenario& scenario : scenarios_) {
    Result<std::vector<FaultChoice>> chosen = ChooseFaults(options_.faults, scenario, vocabulary_);
    if (!chosen.ok()) return {chosen.error()};
    scenario.faults = *std::move(chosen);
  }
  return {};
}

RunPreparation::Errors RunPreparation::TakeFaultsFrom() {
  Result<FaultsOfTrial> faults = ReadFaultsFrom(options_.faults_from, options_.only_trials);
  if (!faults.ok()) return {faults.error()};
  if (!faults->missing.empty())
    PrintError("warning: " + faults->choice.argument + ": " + faults->missing +
               ": of its faults only those come back that its history still has\n");
  for (const std::string& fault : faults->left_out)
    PrintError("warning: " + faults->choice.argument + ": of its faults one does not come back: " +
               fault + "\n");
  if (!faults->others.empty())
    PrintError("trireme: the faults are those of " + faults->choice.argument + "; " +
               faults->others + "\n");
  for (Scenario& scenario : scenarios_) {
    scenario.faults = {faults->choice};
    // A sweep has a trial for each point, more than its scenario says; the trial's number is part of its seed.
    for (const int64_t trial : options_.only_trials)
      scenario.trials = std::max(scenario.trials, trial + 1);
  }
  entropy_ = faults->seed;
  return {};
}

bool RunPreparation::WantsPython() const {
  PlanOptions options;
  options.runtimes = options_.run.runtimes;
  options.reference = options_.reference;
  return std::any_of(scenarios_.begin(), scenarios_.end(), [&](const Scenario& scenario) {
    return PlansPython(scenario, options, vocabulary_);
  });
}

Result<std::vector<Interpreter>> RunPreparation::Chosen() const {
  const InterpreterPlaces places = FindInterpreterPlaces(options_.pythons, locations_.data);
  if (options_.profile == "nightly" && options_.run.interpreters.empty())
    return AllInterpreters(places);
  return trireme::ChooseInterpreters(places, options_.run.interpreters);
}

// Only a reference may name an interpreter that the user did not choose; looking for all takes a
// while.
Result<std::vector<Interpreter>> RunPreparation::OthersForReference() const {
  std::set<std::string> named = {InterpreterOf(options_.reference)};
  for (const Scenario& scenario : scenarios_) named.insert(InterpreterOf(scenario.reference));
  named.erase("");
  for (const Interpreter& interpreter : plan_options_.interpreters) named.erase(interpreter.name);
  if (named.empty()) return std::vector<Interpreter>();
  const InterpreterPlaces places = FindInterpreterPlaces(options_.pythons, locations_.data);
  TRIREME_ASSIGN_OR_RETURN(InterpreterInventory found, FindInterpreters(places, named));
  return std::move(found.usable);
}

RunPreparation::Errors RunPreparation::ChooseInterpreters() {
  if (!WantsPython() && options_.run.interpreters.empty()) return {};
  const bool needs_setup = options_.pythons.empty() && std::getenv("VIRTUAL_ENV") == nullptr;
  if (const Status home = CheckUserFolders(locations_); needs_setup && !home.ok())
    return {home.error()};
  Result<std::vector<Interpreter>> chosen = Chosen();
  // Without a Python there are the C++ runtimes; the plan says why the others are unsupported.
  if (!chosen.ok() && chosen.error().kind == ErrorKind::kNothing) return {};
  if (!chosen.ok()) return {chosen.error()};
  plan_options_.interpreters = *std::move(chosen);
  Result<std::vector<Interpreter>> others = OthersForReference();
  if (!others.ok()) return {others.error()};
  plan_options_.other_interpreters = *std::move(others);
  return {};
}

RunPreparation::Errors RunPreparation::MakePlan() {
  plan_options_.seed = options_.seed ? *options_.seed : entropy_;
  plan_options_.profile = options_.profile;
  plan_options_.runtimes = options_.run.runtimes;
  plan_options_.trials = options_.run.trials;
  plan_options_.only_trials = options_.only_trials;
  plan_options_.timeout = options_.run.timeout;
  plan_options_.reference = options_.reference;
  plan_options_.params = options_.params;
  plan_options_.tags = options_.tags;
  plan_options_.faults_chosen = !options_.faults.empty();
  plan_options_.replay_options = options_.replay;
  plan_options_.missing_capabilities = MissingCapabilities(scenarios_);
  Result<Plan> plan = trireme::MakePlan(scenarios_, plan_options_, vocabulary_);
  if (!plan.ok()) return {plan.error()};
  run_.plan = *std::move(plan);
  MarkUnsupportedFaults(run_.plan);
  run_.plan.suppressions = SuppressionsToJson(options_.suppressions.all());
  return {};
}

// What lacks its package is unsupported in the plan already, so that the plan can choose another
// reference. A runtime needs its packages whole or is told at its start.
void RunPreparation::AddUnhostable(const std::string& path,
                                   const std::vector<std::string>& absent) {
  for (const PackageNeed& need : PackageNeeds()) {
    const std::string package(need.package);
    const auto is_known = [&](const PlanOptions::Unhostable& one) {
      return one.runtime == need.user && one.interpreter_path == path;
    };
    std::vector<PlanOptions::Unhostable>& known = plan_options_.unhostable;
    if (!need.whole || std::find(absent.begin(), absent.end(), package) == absent.end() ||
        std::any_of(known.begin(), known.end(), is_known))
      continue;
    known.push_back({std::string(need.user), path,
                     package + " is not installed: " + path + " -m pip install " + package});
  }
}

// Again when an interpreter turns out to lack what a runtime needs: the plan is another one then,
// and may have other workloads.
RunPreparation::Errors RunPreparation::CheckPythonWorkloads() {
  const size_t known = plan_options_.unhostable.size();
  Errors errors = PreflightAll();
  if (!errors.empty() || plan_options_.unhostable.size() == known) return errors;
  if (Errors of_plan = MakePlan(); !of_plan.empty()) return of_plan;
  return PreflightAll();
}

RunPreparation::Errors RunPreparation::PreflightAll() {
  std::map<std::string, std::set<std::string>> workloads;  // by the interpreter's path
  std::map<std::string, std::string> names;
  for (const PlannedCell& cell : run_.plan.cells) {
    if (cell.interpreter_path.empty() || !cell.unsupported.empty()) continue;
    names[cell.interpreter_path] = cell.interpreter;
    std::set<std::string>& files = workloads[cell.interpreter_path];
    if (!cell.workload.empty()) files.insert(cell.workload);
  }
  Errors errors;
  std::set<std::string> said;  // two interpreters say the same of the same file
  for (const auto& [path, files] : workloads) {
    Result<PythonPreflight> preflight =
        PreflightPython(path, locations_, {files.begin(), files.end()});
    if (!preflight.ok()) return {preflight.error()};
    AddUnhostable(path, preflight->absent);
    for (Diagnostic& error : preflight->errors)
      if (said.insert(error.file).second) errors.push_back(std::move(error));
    Json& about = run_.interpreters[names[path]];
    about = {{"path", path}};
    for (const Interpreter& interpreter : plan_options_.interpreters)
      if (interpreter.path == path)
        about.update({{"version", interpreter.version},
                      {"origin", interpreter.origin},
                      {"gil", interpreter.gil}});
    about["packages"] = std::move(preflight->packages);
  }
  return errors;
}

RunPreparation::Errors RunPreparation::CompileWorkloads() {
  if (options_.dry_run) return {};
  Errors errors;
  std::map<std::string, std::string> unsupported;  // by workload
  for (const PlannedCell& cell : run_.plan.cells) {
    const std::string& source = cell.workload;
    if (cell.language != "cpp" || source.empty() || !cell.unsupported.empty()) continue;
    if (run_.compiled.contains(source) || unsupported.contains(source)) continue;
    const auto say = [&] {
      if (options_.progress != "never") PrintError("compiling " + PathForUser(source) + "\n");
    };
    Result<CompiledWorkload> compiled = CompileWorkload(source, locations_, say);
    if (!compiled.ok()) {
      errors.push_back(compiled.error());
      errors.back().file = PathForUser(errors.back().file);
      run_.compiled[source];  // said once
    } else if (!compiled->unsupported.empty()) {
      unsupported[source] = compiled->unsupported;
    } else {
      run_.compiled[source] = compiled->object;
    }
  }
  for (PlannedCell& cell : run_.plan.cells)
    if (const auto found = unsupported.find(cell.workload);
        cell.language == "cpp" && found != unsupported.end())
      cell.unsupported = found->second;
  return errors;
}

}  // namespace trireme
