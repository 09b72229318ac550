#include "harness/scenario/plan.h"

#include <gtest/gtest.h>

#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using testing::ScenarioFolder;
using testing::TestVocabulary;

TEST(PlanTest, SurvivesTheWayThroughJson) {
  const ScenarioFolder folder;
  PlanOptions options;
  options.seed = 0x5eed;
  options.interpreters = {{.name = "3.11", .path = "/usr/bin/python3.11"}};
  const Result<Plan> plan = MakePlan(
      {*folder.Parse(
          Complete("matrix: {a: [1, 2]}\nexpect: {green: {verdict: fail, rate: 0.5..1}}\n"))},
      options, TestVocabulary());
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->cells.size(), 12U);
  const Result<Json> json = ParseJson(DumpJson(plan->ToJson(), 1), "plan.json");
  ASSERT_TRUE(json.ok());
  const Result<Plan> again = Plan::FromJson(*json);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(DumpJson(again->ToJson(), 1), DumpJson(plan->ToJson(), 1));
}

}  // namespace
}  // namespace trireme
