#include "harness/cli/faults.h"

#include "harness/base/file.h"
#include "harness/fault/compile.h"
#include "harness/scenario/fault_plans.h"

namespace trireme {
namespace {

Status CheckPlanJson(const Json& json) {
  TRIREME_ASSIGN_OR_RETURN(const FaultPlan plan, FaultPlan::FromJson(json));
  // What is too much for the plan block is found when it is filled.
  const Result<CompiledPlan> compiled = CompilePlan(plan, 0);
  if (!compiled.ok()) return compiled.error();
  return Done{};
}

Result<FaultChoice> ChooseOne(const std::string& word, const Scenario& scenario,
                              const Vocabulary& vocabulary) {
  for (const FaultChoice& own : scenario.faults)
    if (own.name == word) return own;
  Result<FaultChoice> found = FindFaultPlan(word, vocabulary);
  if (found.ok() || !found.error().file.empty()) return found;
  Diagnostic error = found.error();
  error.message = "option --faults: " + error.message;
  return error;
}

}  // namespace

void AddFaults(Vocabulary& vocabulary, const std::vector<std::string>& scenario_paths) {
  for (const FaultClass& about : FaultClasses()) {
    Vocabulary::FaultClass words{about.key, about.summary, {}};
    for (const FaultField& field : about.fields)
      words.fields.push_back({field.name, field.type, field.summary});
    vocabulary.faults.push_back(std::move(words));
  }
  vocabulary.check_faults = &CheckPlanJson;
  for (const std::string& path : scenario_paths)
    vocabulary.fault_folders.push_back(JoinPath(path, "faults"));
}

Result<std::vector<FaultChoice>> ChooseFaults(const std::vector<std::string>& words,
                                              const Scenario& scenario,
                                              const Vocabulary& vocabulary) {
  std::vector<FaultChoice> choices;
  for (const std::string& word : words) {
    TRIREME_ASSIGN_OR_RETURN(FaultChoice choice, ChooseOne(word, scenario, vocabulary));
    for (const FaultChoice& other : choices)
      if (other.name == choice.name)
        return UsageError("option --faults: two plans are named '" + choice.name + "'");
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<FaultPlan> ReadFaultOption(const std::string& word, const Vocabulary& vocabulary) {
  TRIREME_ASSIGN_OR_RETURN(const FaultChoice choice, ChooseOne(word, Scenario{}, vocabulary));
  if (choice.plan.is_null()) return FaultPlan{.name = choice.name};
  return FaultPlan::FromJson(choice.plan);
}

}  // namespace trireme
