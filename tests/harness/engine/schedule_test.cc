#include "harness/engine/schedule.h"

#include <gmock/gmock.h>

namespace trireme {
namespace {

using ::testing::ElementsAre;

PlannedCell Cell(const std::string& scenario, std::vector<int64_t> trials) {
  PlannedCell cell;
  cell.scenario = scenario;
  cell.trials = std::move(trials);
  return cell;
}

Plan PlanOf(std::vector<PlannedCell> cells) {
  Plan plan;
  plan.cells = std::move(cells);
  return plan;
}

bool AnyCell(size_t) { return true; }

// "cell/trial" of all that is left, each over before the next starts.
std::vector<std::string> Drain(Schedule& schedule) {
  std::vector<std::string> order;
  while (const std::optional<Attempt> attempt = schedule.Next(0, AnyCell)) {
    order.push_back(std::to_string(attempt->cell) + "/" + std::to_string(attempt->trial) +
                    (attempt->retry ? " again" : ""));
    schedule.Finished(*attempt);
  }
  return order;
}

TEST(ScheduleTest, TakesTheCellsOfAScenarioInTurnsAndScenariosOneAfterAnother) {
  const Plan plan = PlanOf({Cell("a", {0, 1}), Cell("a", {0, 1, 2}), Cell("b", {0})});
  Schedule schedule(plan);
  EXPECT_THAT(Drain(schedule), ElementsAre("0/0", "1/0", "0/1", "1/1", "1/2", "2/0"));
  EXPECT_TRUE(schedule.empty());
}

TEST(ScheduleTest, LetsCellsPassWhoseRunnerIsThere) {
  const Plan plan = PlanOf({Cell("a", {0, 1}), Cell("a", {0, 1})});
  Schedule schedule(plan);
  const auto only_second = [](size_t cell) { return cell == 1; };
  std::vector<size_t> order;
  for (int i = 0; i < 2; ++i) order.push_back(schedule.Next(i, only_second)->cell);
  EXPECT_THAT(order, ElementsAre(1, 1));
  EXPECT_THAT(Drain(schedule), ElementsAre("0/0", "0/1"));
}

TEST(ScheduleTest, LetsNoCellPassOneThatIsNotAdmitted) {
  const Plan plan = PlanOf({Cell("a", {0, 1}), Cell("a", {0, 1})});
  Schedule schedule(plan);
  const auto only_second = [](size_t cell) { return cell == 1; };
  EXPECT_FALSE(schedule.Next(0, AnyCell, only_second));
  EXPECT_THAT(Drain(schedule), ElementsAre("0/0", "1/0", "0/1", "1/1"));  // none was taken
}

TEST(ScheduleTest, GivesACellThatIsAdmitted) {
  const Plan plan = PlanOf({Cell("a", {0}), Cell("a", {0})});
  Schedule schedule(plan);
  const auto only_first = [](size_t cell) { return cell == 0; };
  EXPECT_EQ(schedule.Next(0, AnyCell, only_first)->cell, 0u);
  EXPECT_FALSE(schedule.Next(1, AnyCell, only_first));
}

TEST(ScheduleTest, LetsNoCellGetFarAheadOfOneThatWaits) {
  const Plan plan = PlanOf({Cell("a", {0}), Cell("a", std::vector<int64_t>(100))});
  Schedule schedule(plan);
  size_t passed = 0;
  while (schedule.Next(0, [](size_t cell) { return cell == 1; })->cell != 0) ++passed;
  EXPECT_GT(passed, 0u);
  EXPECT_LT(passed, 20u);
}

TEST(ScheduleTest, StartsOneAllTheSameWhereNoneIsReady) {
  const Plan plan = PlanOf({Cell("a", {0}), Cell("b", {0})});
  Schedule schedule(plan);
  const auto none = [](size_t) { return false; };
  EXPECT_EQ(schedule.Next(0, none)->cell, 0u);
  EXPECT_EQ(schedule.Next(1, none)->cell, 1u);
}

TEST(ScheduleTest, KeepsTheNumbersOfChosenTrials) {
  const Plan plan = PlanOf({Cell("a", {7, 9})});
  Schedule schedule(plan);
  EXPECT_THAT(Drain(schedule), ElementsAre("0/7", "0/9"));
}

TEST(ScheduleTest, RepeatsAtTheEndOfTheScenario) {
  const Plan plan = PlanOf({Cell("a", {0, 1}), Cell("b", {0})});
  Schedule schedule(plan);
  schedule.Finished(*schedule.Next(0, AnyCell));
  schedule.Repeat(0, 0);
  EXPECT_THAT(Drain(schedule), ElementsAre("0/1", "0/0 again", "1/0"));
}

TEST(ScheduleTest, RepeatsAfterTheScenarioIsOver) {
  const Plan plan = PlanOf({Cell("a", {0})});
  Schedule schedule(plan);
  Drain(schedule);
  schedule.Repeat(0, 0);
  EXPECT_TRUE(schedule.Pending({0}));
  EXPECT_THAT(Drain(schedule), ElementsAre("0/0 again"));
}

TEST(ScheduleTest, HoldsBackWhatRunsAloneWhileOthersRun) {
  Plan plan = PlanOf({Cell("a", {0, 1})});
  plan.cells[0].exclusive = true;
  Schedule schedule(plan);
  EXPECT_FALSE(schedule.Next(1, AnyCell).has_value());
  const std::optional<Attempt> alone = schedule.Next(0, AnyCell);
  ASSERT_TRUE(alone.has_value());
  EXPECT_FALSE(schedule.Next(1, AnyCell).has_value());
  schedule.Finished(*alone);
  EXPECT_TRUE(schedule.Next(0, AnyCell).has_value());
}

TEST(ScheduleTest, GivesNothingMoreOfACellThatWasGivenUp) {
  const Plan plan = PlanOf({Cell("a", {0, 1}), Cell("a", {0, 1})});
  Schedule schedule(plan);
  schedule.Finished(*schedule.Next(0, AnyCell));
  schedule.Repeat(0, 0);
  schedule.GiveUp(0);
  EXPECT_FALSE(schedule.Pending({0}));
  EXPECT_THAT(Drain(schedule), ElementsAre("1/0", "1/1"));
}

TEST(ScheduleTest, SkipsCellsThatAreUnsupported) {
  Plan plan = PlanOf({Cell("a", {0}), Cell("a", {0})});
  plan.cells[0].unsupported = "no eventlet";
  Schedule schedule(plan);
  EXPECT_THAT(Drain(schedule), ElementsAre("1/0"));
}

}  // namespace
}  // namespace trireme
