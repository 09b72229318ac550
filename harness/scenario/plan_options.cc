#include "harness/scenario/plan_options.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "harness/base/strings.h"
#include "harness/scenario/scenario_keys.h"
#include "harness/scenario/words.h"

namespace trireme {
namespace {

using Chosen = std::vector<const Scenario*>;

// Each once, sorted.
template <typename Names>
std::vector<std::string> AllNames(const Chosen& scenarios, Names names_of) {
  std::set<std::string> all;
  for (const Scenario* scenario : scenarios)
    for (const std::string& name : names_of(*scenario)) all.insert(name);
  return {all.begin(), all.end()};
}

std::vector<std::string> ParamNames(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const auto& [key, value] : scenario.params.items()) names.push_back(key);
  for (const auto& [axis, values] : scenario.matrix) names.push_back(axis);
  return names;
}

std::string_view TypeName(const Json& value) {
  if (value.is_string()) return "text";
  if (value.is_number()) return "a number";
  if (value.is_boolean()) return "true or false";
  if (value.is_array()) return "a list";
  return value.is_object() ? "a mapping" : "null";
}

// What the scenario gives for a param: nothing, one value, or those of its axis.
std::vector<Json> DefaultsOf(const Scenario& scenario, const std::string& key) {
  for (const auto& [axis, values] : scenario.matrix)
    if (axis == key) return values;
  if (!scenario.params.contains(key)) return {};
  return {scenario.params.at(key)};
}

// A null says nothing of the type that a param has.
bool MayBe(const std::vector<Json>& defaults, const Json& value) {
  return defaults.empty() ||
         std::any_of(defaults.begin(), defaults.end(), [&](const Json& fallback) {
           return fallback.is_null() || TypeName(fallback) == TypeName(value);
         });
}

Status CheckParam(const Chosen& scenarios, const std::string& key, const Json& value) {
  const std::vector<std::string> known = AllNames(scenarios, ParamNames);
  if (!Contains(known, key))
    return UsageError("--param " + key + ": no chosen scenario has this param",
                      DidYouMean(key, known));
  for (const Scenario* scenario : scenarios) {
    const std::vector<Json> defaults = DefaultsOf(*scenario, key);
    if (MayBe(defaults, value)) continue;
    return UsageError("--param " + FormatParam(key, value) + ": in " + scenario->name + " it is " +
                      std::string(TypeName(defaults.front())) + ", not " +
                      std::string(TypeName(value)));
  }
  return Done{};
}

Status CheckRuntime(const Chosen& scenarios, const std::string& option, const std::string& name,
                    const Vocabulary& vocabulary) {
  if (FindRuntime(vocabulary, name) == nullptr) {
    Diagnostic error =
        UnknownWord("runtime", name, RuntimeNames(vocabulary), vocabulary.later_runtimes);
    error.message = option + ": " + error.message;
    return error;
  }
  const std::vector<std::string> allowed =
      AllNames(scenarios, [](const Scenario& scenario) { return scenario.runtimes; });
  if (Contains(allowed, name)) return Done{};
  return UsageError(option + ": no chosen scenario allows runtime '" + name + "'",
                    "they allow " + Join(allowed, ", "));
}

// How many trials it has is known only once its points are.
bool MaySweep(const Scenario& scenario) {
  return std::any_of(scenario.faults.begin(), scenario.faults.end(), HasSweep);
}

Status CheckTrials(const Chosen& scenarios, const PlanOptions& options) {
  if (options.trials && (*options.trials < kTrialCount.low || *options.trials > kTrialCount.high))
    return UsageError("--trials must be from " + std::to_string(kTrialCount.low) + " to " +
                      std::to_string(kTrialCount.high) + ", not " +
                      std::to_string(*options.trials));
  int64_t most = 0;
  for (const Scenario* scenario : scenarios) most = std::max(most, TrialsOf(*scenario, options));
  if (std::any_of(scenarios.begin(), scenarios.end(),
                  [](const Scenario* s) { return MaySweep(*s); }))
    return Done{};
  for (const int64_t trial : options.only_trials) {
    if (trial >= 0 && trial < most) continue;
    return UsageError("--trial " + std::to_string(trial) + " is not in the plan",
                      "its trials are 0 to " + std::to_string(most - 1));
  }
  return Done{};
}

Status CheckTimeout(const PlanOptions& options) {
  if (!options.timeout ||
      (*options.timeout >= kTrialTimeout.low && *options.timeout <= kTrialTimeout.high))
    return Done{};
  return UsageError("--timeout must be from " + FormatDuration(kTrialTimeout.low) + " to " +
                    FormatDuration(kTrialTimeout.high) + ", not " +
                    FormatDuration(*options.timeout));
}

}  // namespace

bool HasSweep(const FaultChoice& choice) {
  for (const Json& fault : GetMember(choice.plan, "all"))
    if (GetMember(fault, "task").contains("sweep") || GetMember(fault, "at").contains("sweep"))
      return true;
  return false;
}

Result<std::vector<const Scenario*>> ChooseScenarios(const std::vector<Scenario>& scenarios,
                                                     const PlanOptions& options) {
  Chosen all, chosen;
  for (const Scenario& scenario : scenarios) {
    all.push_back(&scenario);
    const auto is_wanted = [&](const std::string& tag) { return Contains(options.tags, tag); };
    if (options.tags.empty() || std::any_of(scenario.tags.begin(), scenario.tags.end(), is_wanted))
      chosen.push_back(&scenario);
  }
  if (all.empty()) return NothingToRun("no scenario to run");
  if (!chosen.empty()) return chosen;
  const std::vector<std::string> known =
      AllNames(all, [](const Scenario& scenario) { return scenario.tags; });
  return NothingToRun("no scenario has the tag " + Join(options.tags, " or "),
                      DidYouMean(options.tags.front(), known));
}

Status CheckOptions(const std::vector<const Scenario*>& scenarios, const PlanOptions& options,
                    const Vocabulary& vocabulary) {
  for (const std::string& name : options.runtimes)
    TRIREME_RETURN_IF_ERROR(CheckRuntime(scenarios, "--runtimes", name, vocabulary));
  if (!options.reference.empty()) {
    const std::string runtime = options.reference.substr(0, options.reference.find('/'));
    TRIREME_RETURN_IF_ERROR(CheckRuntime(scenarios, "--reference", runtime, vocabulary));
  }
  for (const auto& [key, value] : options.params)
    TRIREME_RETURN_IF_ERROR(CheckParam(scenarios, key, value));
  TRIREME_RETURN_IF_ERROR(CheckTimeout(options));
  return CheckTrials(scenarios, options);
}

int64_t TrialsOf(const Scenario& scenario, const PlanOptions& options) {
  if (options.trials) return *options.trials;
  if (options.profile == "quick") return (scenario.trials + 9) / 10;
  if (options.profile == "nightly") return std::min(scenario.trials * 10, kTrialCount.high);
  return scenario.trials;
}

bool HasChosenTrial(const Scenario& scenario, const PlanOptions& options) {
  if (MaySweep(scenario)) return true;
  if (options.only_trials.empty()) return true;
  return *std::min_element(options.only_trials.begin(), options.only_trials.end()) <
         TrialsOf(scenario, options);
}

Diagnostic NothingToRun(std::string message, std::string hint) {
  Diagnostic error = UsageError(std::move(message), std::move(hint));
  error.kind = ErrorKind::kNothing;
  return error;
}

}  // namespace trireme
