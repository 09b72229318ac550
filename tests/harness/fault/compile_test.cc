#include "harness/fault/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/fault/fault_testing.h"

namespace trireme {
namespace {

FaultPlan PlanOf(std::vector<Fault> faults) {
  return {.name = "p", .summary = "s", .faults = std::move(faults)};
}

TEST(CompilePlanTest, HasARuleForEachFaultInOrder) {
  const auto plan =
      CompilePlan(PlanOf({SystemCall("{}", R"({"interrupt": true})", "a"),
                          SystemCall(R"({"call": ["fsync"]})", R"({"error": "EIO"})", "b")}),
                  5);
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->rules.size(), 2U);
  EXPECT_EQ(plan->rules[0].fault, 1);
  EXPECT_EQ(plan->rules[1].fault, 2);
  EXPECT_THAT(plan->names, ::testing::ElementsAre("a", "b"));
  EXPECT_EQ(plan->block.calls, plan->rules[0].calls | plan->rules[1].calls);
  EXPECT_EQ(plan->connections, kPlanConnections);
  EXPECT_FALSE(plan->empty());
}

// Of what is due at one place nothing is lost that can come before the rest.
TEST(CompilePlanTest, HasRulesOfOnePlaceInTheOrderInWhichAllCanCome) {
  const auto plan =
      CompilePlan(PlanOf({SystemCall("{}", R"({"short": 1})", "a"),
                          SystemCall(R"({"offset": 9})", R"({"error": "EPIPE"})", "b"),
                          SystemCall(R"({"every": 3})", R"({"error": "EINTR"})", "c"),
                          SystemCall(R"({"connection": "c#0"})", R"({"reset": true})", "d"),
                          SystemCall(R"({"every": 2})", R"({"interrupt": true})", "e"),
                          SystemCall(R"({"every": 3})", R"({"delay": 5})", "f")}),
                  5);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  std::string order;
  for (const trireme_fault_rule& rule : plan->rules) order += rule.name;
  EXPECT_EQ(order, "fcebda");
  EXPECT_EQ(plan->rules[0].fault, 6);
  EXPECT_EQ(plan->names[5], "f");
}

TEST(CompilePlanTest, IsEmptyWithoutFaults) {
  const auto plan = CompilePlan(PlanOf({}), 5);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->empty());
}

TEST(CompilePlanTest, RefusesWhatACheckRefuses) {
  EXPECT_FALSE(CompilePlan(PlanOf({SystemCall("{}", "{}")}), 5).ok());
}

TEST(CompilePlanTest, SeedsDependOnTheTrialOrTheFaultAlone) {
  const Fault a = SystemCall("{}", R"({"short": 1})", "a");
  const Fault b = SystemCall("{}", R"({"short": 1})", "b");
  EXPECT_NE(FaultSeed(a, 1), FaultSeed(a, 2));
  EXPECT_NE(FaultSeed(a, 1), FaultSeed(b, 1));
  Fault fixed = a;
  fixed.seed = 1;
  EXPECT_EQ(FaultSeed(fixed, 1), FaultSeed(fixed, 2));
  EXPECT_EQ(FaultSeed(fixed, 2), FaultSeed(a, 1));
}

// A plan that is reduced keeps the decisions of what is left.
TEST(CompilePlanTest, SeedsDoNotDependOnOtherFaults) {
  const Fault a = SystemCall("{}", R"({"short": 1})", "a");
  const Fault b = SystemCall("{}", R"({"short": 2})", "b");
  EXPECT_EQ(CompilePlan(PlanOf({a, b}), 9)->rules[1].seed,
            CompilePlan(PlanOf({b}), 9)->rules[0].seed);
}

Fault FaultOfClass(const std::string& key, const std::string& members) {
  return {.name = "x", .key = key, .members = *ParseJson(members, "members")};
}

TEST(WhyNotWatchedTest, IsWhatOnlyATrialOfAWorkloadHas) {
  EXPECT_EQ(WhyNotWatched(FaultOfClass("task", R"({"cancel": "*"})")),
            "only tasks of workloads come to points");
  EXPECT_EQ(WhyNotWatched(SystemCall(R"({"sweep": "every-point"})", R"({"short": 1})")),
            "a sweep is one trial after the other");
  EXPECT_EQ(WhyNotWatched(FaultOfClass("process", R"({"signal": "KILL", "event": "op:x"})")),
            "only workloads record events");
  EXPECT_EQ(WhyNotWatched(FaultOfClass("process", R"({"signal": "KILL", "restart": "1s"})")),
            "nobody starts its processes again");
  EXPECT_EQ(WhyNotWatched(FaultOfClass("resource", R"({"disk": 4096})")),
            "its temporary files are in a folder of its own choice");
}

TEST(WhyNotWatchedTest, IsNothingElse) {
  EXPECT_EQ(WhyNotWatched(SystemCall("{}", R"({"short": 1})")), "");
  EXPECT_EQ(WhyNotWatched(FaultOfClass("time", R"({"jump": 5})")), "");
  EXPECT_EQ(WhyNotWatched(FaultOfClass("network", R"({"latency": 5})")), "");
  EXPECT_EQ(WhyNotWatched(FaultOfClass("process", R"({"signal": "KILL", "offset": 9})")), "");
  EXPECT_EQ(WhyNotWatched(FaultOfClass("resource", R"({"nofile": 24})")), "");
}

TEST(CompilePlanTest, SaysWhatIsTooMuchForTheBlock) {
  FaultPlan plan = PlanOf({});
  for (int i = 0; i <= TRIREME_PLAN_TASKS; ++i) {
    plan.faults.push_back(FaultOfClass("task", R"({"cancel": "*", "point": 1})"));
    plan.faults.back().name += std::to_string(i);
  }
  EXPECT_FALSE(CompilePlan(plan, 5).ok());
  plan.faults.pop_back();
  EXPECT_TRUE(CompilePlan(plan, 5).ok());
}

TEST(CompilePlanTest, CountsEachLimitOnAConnectionByItself) {
  FaultPlan plan = PlanOf({});
  for (int i = 0; i < TRIREME_PLAN_LIMITS; ++i) {
    plan.faults.push_back(SystemCall("{}", R"({"short": 1})", "always " + std::to_string(i)));
    plan.faults.push_back(
        SystemCall(R"({"times": 1})", R"({"short": 1})", "once " + std::to_string(i)));
  }
  const auto compiled = CompilePlan(plan, 5);
  ASSERT_TRUE(compiled.ok()) << compiled.error().message;
  for (size_t i = 0; i < TRIREME_PLAN_LIMITS; ++i)
    EXPECT_EQ(compiled->rules[2 * i + 1].counter, i);
  plan.faults.push_back(SystemCall(R"({"times": 1})", R"({"short": 1})", "more"));
  const auto refused = CompilePlan(plan, 5);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "more: a plan has at most 32 faults with 'times', this is one more");
}

}  // namespace
}  // namespace trireme
