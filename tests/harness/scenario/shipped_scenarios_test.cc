// What this repository ships, read with the words of this build.
#include <gtest/gtest.h>

#include "harness/base/file.h"
#include "harness/cli/vocabulary.h"
#include "harness/scenario/discovery.h"
#include "harness/scenario/field_reader.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/yaml_document.h"
#include "tests/harness/scenario/schema_validator.h"

namespace trireme {
namespace {

std::vector<ScenarioFile> Shipped() {
  std::vector<ScenarioFile> files = ListScenarios({TRIREME_SCENARIOS_FOLDER});
  EXPECT_FALSE(files.empty());
  return files;
}

TEST(ShippedScenariosTest, Parse) {
  for (const ScenarioFile& file : Shipped()) {
    const Result<std::vector<Scenario>> scenario = LoadScenarios({file}, MakeVocabulary());
    EXPECT_TRUE(scenario.ok()) << scenario.error().Render();
  }
}

TEST(ShippedScenariosTest, FitTheirSchema) {
  const Json schema = ScenarioSchema(MakeVocabulary());
  for (const ScenarioFile& file : Shipped()) {
    const Result<YamlDocument> document = YamlDocument::Parse(*ReadFile(file.file), file.file);
    ASSERT_TRUE(document.ok()) << document.error().Render();
    EXPECT_EQ(testing::WhyInvalid(schema, *FieldReader(*document).Value(document->root())), "")
        << file.file;
  }
}

TEST(ShippedScenariosTest, HaveAReferenceAndTrialsEnough) {
  const Result<std::vector<Scenario>> scenarios = LoadScenarios(Shipped(), MakeVocabulary());
  ASSERT_TRUE(scenarios.ok());
  PlanOptions options;
  options.interpreters = {{.name = "3.11", .path = "/usr/bin/python3.11"}};
  const Result<Plan> plan = MakePlan(*scenarios, options, MakeVocabulary());
  ASSERT_TRUE(plan.ok()) << plan.error().Render();
  EXPECT_EQ(plan->notes, std::vector<std::string>());
}

}  // namespace
}  // namespace trireme
