#include <gtest/gtest.h>

#include "harness/scenario/plan.h"
#include "harness/scenario/rate.h"
#include "harness/scenario/scenario.h"

namespace trireme {
namespace {

PlannedCell Cell(const std::string& id, int64_t trials) {
  PlannedCell cell = {.id = id, .runtime = "thread", .language = "cpp"};
  for (int64_t trial = 0; trial < trials; ++trial) cell.trials.push_back(trial);
  return cell;
}

Plan PlanOf(std::vector<PlannedCell> cells) {
  Plan plan;
  plan.cells = std::move(cells);
  return plan;
}

TEST(EstimateTest, RestsOnAnEarlierRunWhereThereIsOne) {
  const Estimate estimate = EstimateRun(PlanOf({Cell("a", 10)}), 2, {{"a", 0.5}});
  EXPECT_EQ(estimate.nanoseconds, 2'505'000'000);
  EXPECT_EQ(estimate.basis, "rests on an earlier run for 1 of 1 cells");
}

TEST(EstimateTest, RestsOnTheRuntimesElsewhere) {
  const Estimate estimate = EstimateRun(PlanOf({Cell("a", 10), Cell("b", 10)}), 1, {{"a", 0.5}});
  EXPECT_EQ(estimate.nanoseconds, 5'030'000'000);
  EXPECT_EQ(estimate.basis,
            "rests on an earlier run for 1 of 2 cells, and on what an empty trial of each runtime "
            "takes, to which the "
            "workloads' own time comes");
}

TEST(EstimateTest, LetsNothingRunBesideAnExclusiveTrial) {
  PlannedCell cell = Cell("a", 10);
  cell.exclusive = true;
  EXPECT_EQ(EstimateRun(PlanOf({cell}), 2, {{"a", 0.5}}).nanoseconds, 5'005'000'000);
}

TEST(EstimateTest, LeavesOutWhatCannotRun) {
  PlannedCell cell = Cell("a", 10);
  cell.unsupported = "no Python";
  EXPECT_EQ(EstimateRun(PlanOf({cell}), 1).nanoseconds, 0);
}

// base^n < 1 % for each bound that can be broken: 0.98^228 = 0.009986, 0.98^227 = 0.01019.
TEST(RateTest, NeedsTheTrialsThatItsNearestBoundNeeds) {
  EXPECT_EQ(TrialsToDecideRate(0.02, 1), 228);
  EXPECT_EQ(TrialsToDecideRate(0, 0.98), 228);
  EXPECT_EQ(TrialsToDecideRate(0.5, 0.98), 228);
  EXPECT_EQ(TrialsToDecideRate(0.5, 1), 7);
}

TEST(RateTest, NeedsNothingToDecideWhatNothingBreaks) { EXPECT_EQ(TrialsToDecideRate(0, 1), 0); }

TEST(RateTest, NeedsOneTrialWhereEachDecides) {
  EXPECT_EQ(TrialsToDecideRate(1, 1), 1);
  EXPECT_EQ(TrialsToDecideRate(0, 0), 1);
}

TEST(RateTest, StaysFiniteForTinyRates) { EXPECT_EQ(TrialsToDecideRate(1e-300, 1), 0); }

}  // namespace
}  // namespace trireme
