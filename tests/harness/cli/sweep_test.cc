#include "harness/cli/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::EndsWith;

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
  if (verdict == Verdict::kFail) {
    Finding finding;
    finding.signature = reason.substr(0, reason.find(" after "));
    judgement.findings = {finding};
  }
  if (struck) judgement.faults.insert("stop");
  return judgement;
}

TEST(SweepTest, TheTallySaysWhereItFailedAndWhatItNeverCameTo) {
  Plan plan;
  plan.cells = {SweepingCell("*"), PlannedCell{}};
  for (const int point : {1, 2, 3, 4, 5})
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
  tally.Add(0, 3, Judged(Verdict::kFail, "it hangs after 3 s", true));
  tally.Add(1, 1, Judged(Verdict::kFail, "no sweep", true));
  tally.Add(0, 4, Judged(Verdict::kFail, "it crashes", true));
  tally.Add(0, 5, Judged(Verdict::kFail, "it hangs after 5 s", true));
  const std::map<size_t, std::vector<std::string>> notes = tally.Notes();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes.at(0),
              ElementsAre("sweep: 5 of 5 points tried, came to 4, failed at 3",
                          "sweep: it hangs after 3 s, at 1.1 (reader) at point 3, recv (trial 3); "
                          "1.1 (reader) at point 5, recv (trial 5)",
                          "sweep: it crashes, at 1.1 (reader) at point 4, recv (trial 4)"));
}

TEST(SweepTest, TheTallyOfASweepThatNeverFailedNamesNoPoint) {
  Plan plan;
  plan.cells = {SweepingCell("*")};
  plan.cells[0].sweep.push_back({{"fault", "stop"}, {"call", "recv"}, {"offset", 1}});
  SweepTally tally(plan);
  tally.Add(0, 1, Judged(Verdict::kPass, "", true));
  EXPECT_THAT(tally.Notes().at(0),
              ElementsAre("sweep: 1 of 1 points tried, came to 1, failed at 0"));
}

TEST(SweepTest, TheTallySaysHowManyPointsItDoesNotName) {
  Plan plan;
  plan.cells = {SweepingCell("*")};
  SweepTally tally(plan);
  for (int trial = 1; trial <= 23; ++trial) {
    plan.cells[0].sweep.push_back({{"fault", "stop"}, {"call", "recv"}, {"offset", trial}});
    tally.Add(0, trial, Judged(Verdict::kFail, "it hangs", true));
  }
  EXPECT_THAT(tally.Notes().at(0)[1], EndsWith("(trial 20); and 3 more"));
}

TEST(SweepTest, TheTallySaysHowManyWaysItDoesNotName) {
  Plan plan;
  plan.cells = {SweepingCell("*")};
  SweepTally tally(plan);
  for (int trial = 1; trial <= 22; ++trial) {
    plan.cells[0].sweep.push_back({{"fault", "stop"}, {"call", "recv"}, {"offset", trial}});
    tally.Add(0, trial, Judged(Verdict::kFail, "it fails in way " + std::to_string(trial), true));
  }
  EXPECT_EQ(tally.Notes().at(0).size(), 22u);
  EXPECT_EQ(tally.Notes().at(0).back(), "sweep: and 2 ways more to fail");
}

}  // namespace
}  // namespace trireme
