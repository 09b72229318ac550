#include "harness/engine/trial_order.h"

#include <gmock/gmock.h>

#include <vector>

namespace trireme {
namespace {

using ::testing::ElementsAre;

// Of these kinds of points, trial k at [k-1], and trial 0 without any.
PlannedCell SweepOf(const std::vector<std::string>& kinds) {
  PlannedCell cell;
  cell.sweep = Json::array();
  cell.trials = {0};
  for (const std::string& kind : kinds) {
    cell.sweep.push_back({{"fault", "cancelled"}, {"task", "1"}, {"kind", kind}});
    cell.trials.push_back(static_cast<int64_t>(cell.trials.size()));
  }
  return cell;
}

int64_t StartNext(TrialOrder& order) {
  const int64_t trial = order.Next();
  order.Start(trial);
  return trial;
}

// Each over before the next starts, after so many seconds as `took` says of its kind.
std::vector<int64_t> Drained(const std::vector<std::string>& kinds,
                             double (*took)(std::string_view)) {
  TrialOrder order(SweepOf(kinds));
  std::vector<int64_t> trials;
  while (!order.empty()) {
    trials.push_back(StartNext(order));
    const int64_t trial = trials.back();
    order.Ended(trial, trial == 0 ? 0.01 : took(kinds[static_cast<size_t>(trial - 1)]));
  }
  return trials;
}

TEST(TrialOrderTest, TriesEachKindOfPointAndThenWhatTakesLong) {
  const auto took = [](std::string_view kind) {
    return kind == "join" ? 2.0 : kind == "accept" ? 7.0 : 0.02;
  };
  EXPECT_THAT(
      Drained({"recv", "recv", "join", "recv", "join", "accept", "recv", "accept", "join"}, took),
      ElementsAre(0, 1, 3, 6, 8, 5, 9, 2, 4, 7));
}

TEST(TrialOrderTest, KeepsTheOrderOfWhatTakesNoTime) {
  const auto took = [](std::string_view kind) { return kind == "join" ? 0.05 : 0.02; };
  EXPECT_THAT(Drained({"recv", "recv", "join", "recv", "join"}, took),
              ElementsAre(0, 1, 3, 2, 4, 5));
}

TEST(TrialOrderTest, OneThatStillRunsIsNoReasonToWait) {
  TrialOrder order(SweepOf({"join", "join", "recv"}));
  EXPECT_EQ(StartNext(order), 0);
  EXPECT_EQ(StartNext(order), 1);
  EXPECT_EQ(StartNext(order), 3);
  EXPECT_EQ(StartNext(order), 2);
  EXPECT_TRUE(order.empty());
}

TEST(TrialOrderTest, TrialsOfNoSweepComeByNumberHoweverLongTheyTake) {
  PlannedCell cell;
  cell.trials = {0, 2, 3};
  TrialOrder order(cell);
  std::vector<int64_t> trials;
  for (double seconds = 1; !order.empty(); ++seconds) {
    trials.push_back(StartNext(order));
    order.Ended(trials.back(), seconds);
  }
  EXPECT_THAT(trials, ElementsAre(0, 2, 3));
}

}  // namespace
}  // namespace trireme
