#include "tests/fuzz/scenario_target.h"

#include <algorithm>

#include "harness/base/check.h"
#include "harness/scenario/fault_plans.h"
#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

// An error stands in the file, where there is text or just behind it.
void CheckError(const Diagnostic& error, const std::string& text) {
  TRIREME_CHECK(error.kind == ErrorKind::kUsage && !error.message.empty());
  TRIREME_CHECK(error.message.find('\n') == std::string::npos ||
                text.find('\n') != std::string::npos);
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  TRIREME_CHECK(error.line >= 0 && error.line <= lines && error.column >= 0 && error.length >= 0);
  TRIREME_CHECK(error.Render().ends_with('\n'));
}

void CheckScenario(const Scenario& scenario) {
  TRIREME_CHECK(!scenario.summary.empty() && scenario.summary.find('\n') == std::string::npos);
  TRIREME_CHECK(!scenario.runtimes.empty());
  TRIREME_CHECK(scenario.trials >= 1 && scenario.trials <= 1'000'000);
  TRIREME_CHECK(scenario.timeout >= 1'000'000 && scenario.timeout <= 86'400'000'000'000);
  TRIREME_CHECK(scenario.command.empty() != (scenario.python.empty() && scenario.cpp.empty()));
  TRIREME_CHECK(!scenario.faults.empty());
  for (const FaultChoice& faults : scenario.faults)
    TRIREME_CHECK(faults.plan.is_null() ? faults.name == "none"
                                        : GetString(faults.plan, "name") == faults.name &&
                                              !faults.plan["all"].empty());
  for (const Expectation& expectation : scenario.expectations) {
    TRIREME_CHECK(expectation.rate_low >= 0 && expectation.rate_low <= expectation.rate_high);
    TRIREME_CHECK(!expectation.verdicts.empty());
  }
}

// A plan of few cells: what a matrix of thousands costs is for the benchmark.
void CheckPlan(const Scenario& scenario) {
  size_t combinations = 1;
  for (const auto& [axis, values] : scenario.matrix) combinations *= values.size();
  if (combinations > 16) return;
  PlanOptions options;
  options.seed = 1;
  options.trials = 2;
  options.interpreters = {{.name = "3.11", .path = "/usr/bin/python3"}};
  const Result<Plan> plan = MakePlan({scenario}, options, testing::TestVocabulary());
  TRIREME_CHECK(plan.ok());
  const Result<Json> json = ParseJson(DumpJson(plan->ToJson()), "plan");
  TRIREME_CHECK(json.ok());
  const Result<Plan> again = Plan::FromJson(*json);
  TRIREME_CHECK(again.ok() && DumpJson(again->ToJson()) == DumpJson(plan->ToJson()));
}

// The same text as a file of its own that is a plan of faults.
void ReadAnyFaultPlan(const std::string& text, const Vocabulary& vocabulary) {
  const Result<Json> plan = ParseFaultPlan(text, "plan.yaml", "fuzzed", vocabulary);
  if (!plan.ok()) return CheckError(plan.error(), text);
  TRIREME_CHECK(GetString(*plan, "name") == "fuzzed" && !(*plan)["all"].empty());
  for (const Json& fault : (*plan)["all"]) TRIREME_CHECK(!GetString(fault, "name").empty());
}

}  // namespace

void ReadAnyScenario(const std::string& text) {
  static const testing::ScenarioFolder folder;
  ReadAnyFaultPlan(text, folder.vocabulary());
  const Result<Scenario> scenario = folder.Parse(text);
  if (!scenario.ok()) return CheckError(scenario.error(), text);
  CheckScenario(*scenario);
  CheckPlan(*scenario);
}

}  // namespace trireme
