// What this repository ships, read with the words of this build.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/file.h"
#include "harness/cli/vocabulary.h"
#include "harness/fault/compile.h"
#include "harness/scenario/discovery.h"
#include "harness/scenario/fault_plans.h"
#include "harness/scenario/field_reader.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/yaml_document.h"
#include "tests/harness/scenario/schema_validator.h"

namespace trireme {
namespace {

Vocabulary ShippedVocabulary() { return MakeVocabulary({TRIREME_SCENARIOS_FOLDER}); }

std::vector<ScenarioFile> Shipped() {
  std::vector<ScenarioFile> files = ListScenarios({TRIREME_SCENARIOS_FOLDER});
  EXPECT_FALSE(files.empty());
  return files;
}

TEST(ShippedScenariosTest, Parse) {
  for (const ScenarioFile& file : Shipped()) {
    const Result<std::vector<Scenario>> scenario = LoadScenarios({file}, ShippedVocabulary());
    EXPECT_TRUE(scenario.ok()) << scenario.error().Render();
  }
}

TEST(ShippedScenariosTest, FitTheirSchema) {
  const Json schema = ScenarioSchema(ShippedVocabulary());
  for (const ScenarioFile& file : Shipped()) {
    const Result<YamlDocument> document = YamlDocument::Parse(*ReadFile(file.file), file.file);
    ASSERT_TRUE(document.ok()) << document.error().Render();
    EXPECT_EQ(testing::WhyInvalid(schema, *FieldReader(*document).Value(document->root())), "")
        << file.file;
  }
}

TEST(ShippedScenariosTest, HaveAReferenceAndTrialsEnough) {
  const Result<std::vector<Scenario>> scenarios = LoadScenarios(Shipped(), ShippedVocabulary());
  ASSERT_TRUE(scenarios.ok());
  PlanOptions options;
  options.interpreters = {{.name = "3.11", .path = "/usr/bin/python3.11"}};
  const Result<Plan> plan = MakePlan(*scenarios, options, ShippedVocabulary());
  ASSERT_TRUE(plan.ok()) << plan.error().Render();
  EXPECT_EQ(plan->notes, std::vector<std::string>());
}

TEST(ShippedFaultsTest, AreThePromisedOnes) {
  std::vector<std::string> names;
  for (const FaultPlanFile& plan : ListFaultPlans(ShippedVocabulary())) names.push_back(plan.name);
  EXPECT_THAT(names,
              ::testing::IsSupersetOf({"cancel-everywhere", "clock-back", "clock-forward",
                                       "crash-worker", "cut-and-reset", "flaky-disk", "half-open",
                                       "lossy-datagrams", "nightly-mix", "no-files", "pause",
                                       "refuse-then-accept", "short-io", "slow-dns", "slow-link"}));
}

// Read, checked and compiled to what the probe takes.
TEST(ShippedFaultsTest, CanBeBrought) {
  for (const FaultPlanFile& file : ListFaultPlans(ShippedVocabulary())) {
    const Result<FaultChoice> choice = FindFaultPlan(file.name, ShippedVocabulary());
    ASSERT_TRUE(choice.ok()) << choice.error().Render();
    EXPECT_LE(GetString(choice->plan, "summary").size(), 100U) << file.name;
    const Result<FaultPlan> plan = FaultPlan::FromJson(choice->plan);
    ASSERT_TRUE(plan.ok()) << plan.error().Render();
    const Result<CompiledPlan> compiled = CompilePlan(*plan, 1);
    EXPECT_TRUE(compiled.ok()) << file.name << ": " << compiled.error().message;
  }
}

}  // namespace
}  // namespace trireme
