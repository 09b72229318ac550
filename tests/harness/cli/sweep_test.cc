#include "harness/cli/sweep.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

PlannedCell SweepingCell(const std::string& glob) {
  PlannedCell cell;
  cell.fault_plan = {
      {"name", "sweep"},
      {"all", {{{"name", "stop"}, {"task", {{"cancel", glob}, {"sweep", "every-point"}}}}}}};
  return cell;
}

TEST(SweepTest, OnlyAFaultThatSaysSoSweeps) {
  EXPECT_TRUE(Sweeps(SweepingCell("*")));
  EXPECT_FALSE(Sweeps(PlannedCell{}));
  PlannedCell once = SweepingCell("*");
  once.fault_plan["all"][0]["task"].erase("sweep");
  EXPECT_FALSE(Sweeps(once));
  PlannedCell calls = SweepingCell("*");
  calls.fault_plan["all"][0] = {{"name", "cut"},
                                {"at", {{"call", {"recv"}}, {"sweep", "every-point"}}},
                                {"do", {{"reset", true}}}};
  EXPECT_TRUE(Sweeps(calls));
  calls.fault_plan["all"][0]["at"].erase("sweep");
  EXPECT_FALSE(Sweeps(calls));
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

TrialJudgement Judged(Verdict verdict, const std::string& reason, bool struck) {
  TrialJudgement judgement;
  judgement.verdict = verdict;
  judgement.reason = reason;
  if (struck) judgement.faults.insert("stop");
  return judgement;
}

TEST(SweepTest, TheTallySaysWhereItFailedAndWhatItNeverCameTo) {
  Plan plan;
  plan.cells = {SweepingCell("*"), PlannedCell{}};
  for (const int point : {1, 2, 3})
    plan.cells[0].sweep.push_back({{"fault", "stop"},
                                   {"task", "1.1"},
                                   {"name", "reader"},
                                   {"point", point},
                                   {"kind", "recv"}});
  SweepTally tally(plan);
  tally.Add(0, 0, Judged(Verdict::kFail, "without a fault", false));
  tally.Add(0, 1, Judged(Verdict::kPass, "", true));
  tally.Add(0, 2, Judged(Verdict::kPass, "", false));
  tally.Add(0, 3, Judged(Verdict::kUnknown, "", false));
  tally.Add(0, 3, Judged(Verdict::kFail, "it hangs", true));
  tally.Add(1, 1, Judged(Verdict::kFail, "no sweep", true));
  const std::map<size_t, std::string> notes = tally.Notes();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes.at(0),
            "sweep: 3 of 3 points tried, came to 2, failed at 1: trial 3: 1.1 (reader) at point 3, "
            "recv: it hangs");
}

}  // namespace
}  // namespace trireme
