#include "harness/cli/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/history/writer.h"

namespace trireme {
namespace {

using testing::ElementsAre;

PlannedCell SweepingCell(const std::string& glob) {
  PlannedCell cell;
  cell.fault_plan = {
      {"name", "sweep"},
      {"all", {{{"name", "stop"}, {"task", {{"cancel", glob}, {"sweep", "every-point"}}}}}}};
  return cell;
}

NewEvent StartOf(uint32_t task, const std::string& path, const std::string& name) {
  return {.kind = EventKind::kTaskStart, .time = 1, .key = path, .value = name, .task = task};
}

NewEvent WaitOf(uint32_t task, uint64_t ordinal, const std::string& kind) {
  return {.kind = EventKind::kWait, .time = 2, .key = kind, .task = task, .id = ordinal};
}

// "1.2@3 recv" of each point.
std::vector<std::string> PointsIn(const PlannedCell& cell, const std::vector<NewEvent>& events) {
  const Result<History> history = History::Parse(EncodeHistory(0, events));
  std::vector<std::string> found;
  for (const Json& point : PointsOfTrial(cell, *history))
    found.push_back(GetString(point, "task") + "@" + std::to_string(GetInt(point, "point")) + " " +
                    GetString(point, "kind"));
  return found;
}

TEST(SweepTest, ItsPointsAreThoseWhereTasksWaitedByPathAndOrdinal) {
  const std::vector<NewEvent> events = {StartOf(1, "1", "main"),    StartOf(2, "1.10", "late"),
                                        StartOf(3, "1.9", "early"), WaitOf(2, 1, "recv"),
                                        WaitOf(1, 10, "join"),      WaitOf(1, 9, "sleep"),
                                        WaitOf(3, 2, "condition"),  WaitOf(3, 2, "lock"),
                                        WaitOf(3, 0, "pool-place"), WaitOf(77, 1, "of no task")};
  EXPECT_THAT(PointsIn(SweepingCell("*"), events),
              ElementsAre("1@9 sleep", "1@10 join", "1.9@2 condition", "1.10@1 recv"));
  EXPECT_THAT(PointsIn(SweepingCell("late"), events), ElementsAre("1.10@1 recv"));
  EXPECT_THAT(PointsIn(SweepingCell("1.9"), events), ElementsAre("1.9@2 condition"));
}

TEST(SweepTest, OnlyAFaultThatSaysSoSweeps) {
  EXPECT_TRUE(Sweeps(SweepingCell("*")));
  EXPECT_FALSE(Sweeps(PlannedCell{}));
  PlannedCell once = SweepingCell("*");
  once.fault_plan["all"][0]["task"].erase("sweep");
  EXPECT_FALSE(Sweeps(once));
}

TEST(SweepTest, SaysHowManyPointsWereCut) {
  Json points = Json::array();
  for (int i = 0; i < 20'000; ++i) points.push_back({{"point", i}});
  EXPECT_EQ(CutPoints(points), "");
  EXPECT_EQ(points.size(), 20'000U);
  points.push_back({{"point", 20'000}});
  EXPECT_EQ(CutPoints(points), "the sweep came to 20001 points and tries the first 20000");
  EXPECT_EQ(points.size(), 20'000U);
  EXPECT_EQ(GetInt(points.back(), "point"), 19'999);
}

TEST(SweepTest, TheTallySaysWhereItFailed) {
  Plan plan;
  plan.cells = {SweepingCell("*"), PlannedCell{}};
  plan.cells[0].sweep = {{{"task", "1"}, {"name", "main"}, {"point", 1}, {"kind", "join"}},
                         {{"task", "1.1"}, {"name", "reader"}, {"point", 3}, {"kind", "recv"}}};
  SweepTally tally(plan);
  tally.Add(0, 0, Verdict::kPass, "");
  tally.Add(0, 1, Verdict::kPass, "");
  tally.Add(0, 2, Verdict::kUnknown, "");
  tally.Add(0, 2, Verdict::kFail, "it hangs");
  tally.Add(1, 1, Verdict::kFail, "no sweep");
  const std::map<size_t, std::string> notes = tally.Notes();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes.at(0),
            "sweep: 2 of 2 points tried, it failed at 1: trial 2: 1.1 (reader) at point 3, recv: "
            "it hangs");
}

}  // namespace
}  // namespace trireme
