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

// "cell/trial" of all that is left, each over before the next starts.
std::vector<std::string> Drain(Schedule& schedule) {
  std::vector<std::string> order;
  while (const std::optional<Attempt> attempt = schedule.Next(0)) {
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

TEST(ScheduleTest, KeepsTheNumbersOfChosenTrials) {
  const Plan plan = PlanOf({Cell("a", {7, 9})});
  Schedule schedule(plan);
  EXPECT_THAT(Drain(schedule), ElementsAre("0/7", "0/9"));
}

TEST(ScheduleTest, RepeatsAtTheEndOfTheScenario) {
  const Plan plan = PlanOf({Cell("a", {0, 1}), Cell("b", {0})});
  Schedule schedule(plan);
  schedule.Finished(*schedule.Next(0));
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
  EXPECT_FALSE(schedule.Next(1).has_value());
  const std::optional<Attempt> alone = schedule.Next(0);
  ASSERT_TRUE(alone.has_value());
  EXPECT_FALSE(schedule.Next(1).has_value());
  schedule.Finished(*alone);
  EXPECT_TRUE(schedule.Next(0).has_value());
}

TEST(ScheduleTest, GivesNothingMoreOfACellThatWasGivenUp) {
  const Plan plan = PlanOf({Cell("a", {0, 1}), Cell("a", {0, 1})});
  Schedule schedule(plan);
  schedule.Finished(*schedule.Next(0));
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
