#include "harness/check/blocked_loop_checker.h"

#include <gmock/gmock.h>

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const Json kThreshold = {{"threshold", 100 * kMs}};

// A loop that task 2 may hold.
TrialBuilder Loop() {
  TrialBuilder trial;
  trial.Watched({.hold_threshold = 100 * kMs});
  trial.Task(2, "1.1", "reader", 1).Add(EventKind::kHold, 2, "watched");
  return trial;
}

Json Holds(const std::string& innermost = "workload.py:12 in burn") {
  return {
      {"seconds", 0.11},
      {"stack", {"workload.py:40 in main", innermost, "lib/python3.11/re/__init__.py:3 in match"}},
      {"source", "the interpreter"}};
}

TrialBuilder& Hold(TrialBuilder& trial, double wall, double delay, uint32_t task = 2,
                   const Json& holds = Holds(), int64_t at = 100) {
  trial.Add(EventKind::kHold, at, "holds", holds, task);
  return trial.Add(EventKind::kHold, at + 10, "held",
                   {{"wall", wall}, {"delay", delay}, {"cpu", wall - delay}}, task);
}

TEST(BlockedLoopCheckerTest, AcceptsALoopThatNobodyHeld) {
  TrialBuilder trial = Loop();
  EXPECT_EQ(trial.Check(BlockedLoopChecker(), kThreshold).verdict, Verdict::kPass);
}

TEST(BlockedLoopCheckerTest, RejectsAHoldAndNamesTheInnermostFrameOfTheWorkload) {
  TrialBuilder trial = Loop();
  const CheckResult result = Hold(trial, 0.611, 0.01).Check(BlockedLoopChecker(), kThreshold);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason,
            "reader held the loop for 0.61 s, 0.60 s of its own: workload.py:12 in burn");
  const Finding& finding = result.findings.at(0);
  EXPECT_EQ(finding.kind, "blocked-loop");
  EXPECT_EQ(finding.evidence.at("cpu"), 0.601);
  EXPECT_EQ(finding.participants.at(0).stack.size(), 3u);
}

TEST(BlockedLoopCheckerTest, AcceptsWhatTookExactlyAsLongAndRejectsATickMore) {
  TrialBuilder exact = Loop();
  EXPECT_EQ(Hold(exact, 0.1, 0).Check(BlockedLoopChecker(), kThreshold).verdict, Verdict::kPass);
  TrialBuilder longer = Loop();
  EXPECT_EQ(Hold(longer, 0.101, 0).Check(BlockedLoopChecker(), kThreshold).verdict, Verdict::kFail);
}

TEST(BlockedLoopCheckerTest, LeavesOutTheTimeWithoutAProcessor) {
  TrialBuilder trial = Loop();
  EXPECT_EQ(Hold(trial, 0.5, 0.45).Check(BlockedLoopChecker(), kThreshold).verdict, Verdict::kPass);
}

TEST(BlockedLoopCheckerTest, AHoldThatNeverEndedLastsToTheEndOfTheTrial) {
  TrialBuilder trial = Loop();
  trial.Add(EventKind::kHold, 100, "holds", Holds(), 2)
      .Exit("timeout", Json::object(), 100 + 2'000 * kMs);
  EXPECT_EQ(trial.Check(BlockedLoopChecker(), kThreshold).reason,
            "reader held the loop for 2.11 s, 2.11 s of its own, and had not ended: workload.py:12 "
            "in burn");
}

TEST(BlockedLoopCheckerTest, TellsEachPlaceOnceByTheSameSignatureForAnyTask) {
  TrialBuilder trial = Loop();
  trial.Task(3, "1.2", "writer", 1);
  Hold(trial, 0.2, 0);
  Hold(trial, 0.3, 0, 3, Holds("workload.py:13 in burn"), 200);
  const CheckResult result = Hold(trial, 0.2, 0, 2, Holds("workload.py:20 in other"), 300)
                                 .Check(BlockedLoopChecker(), kThreshold);
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_THAT(result.reason, StartsWith("writer held the loop for 0.30 s"));
  EXPECT_EQ(result.findings[0].evidence.at("holds"), 2);
  TrialBuilder again = Loop();
  EXPECT_EQ(Hold(again, 9, 0).Check(BlockedLoopChecker(), kThreshold).findings.at(0).signature,
            result.findings[0].signature);
  EXPECT_NE(result.findings[0].signature, result.findings[1].signature);
}

TEST(BlockedLoopCheckerTest, NamesCallbacksAndFunctionsOfCppAndWhatIsNotKnown) {
  TrialBuilder cpp = Loop();
  const Json native = {
      {"seconds", 0.1},
      {"stack",
       {"trireme-runner in main", "0ab1.so in _ZN12_GLOBAL__N_14BurnEd", "libc.so.6 in read"}},
      {"source", "a signal"}};
  EXPECT_THAT(Hold(cpp, 0.2, 0, 0, native).Check(BlockedLoopChecker(), kThreshold).reason,
              HasSubstr("a callback held the loop for 0.20 s, 0.20 s of its own: Burn(double)"));
  TrialBuilder none = Loop();
  EXPECT_THAT(Hold(none, 0.2, 0, 2, {{"seconds", 0.1}, {"source", "none: nobody knows"}})
                  .Check(BlockedLoopChecker(), kThreshold)
                  .reason,
              HasSubstr("its stack is not known (none: nobody knows)"));
}

TEST(BlockedLoopCheckerTest, AStackThatCameLaterStandsWhereThereWasNone) {
  TrialBuilder trial = Loop();
  trial.Add(EventKind::kHold, 100, "holds", {{"seconds", 0.1}, {"source", "none: held"}}, 2)
      .Add(EventKind::kHold, 200, "held",
           {{"wall", 1.0}, {"stack", {"workload.py:9 in late"}}, {"source", "after: held"}}, 2);
  const CheckResult result = trial.Check(BlockedLoopChecker(), kThreshold);
  EXPECT_THAT(result.reason, HasSubstr("workload.py:9 in late"));
  EXPECT_EQ(result.findings.at(0).evidence.at("source"), "after: held");
}

// Of a hold that began at 890 ms.
TEST(BlockedLoopCheckerTest, AcceptsWhatTheRuntimeDoesAfterTheEndOfATask) {
  for (const auto& [end, verdict] :
       {std::pair(900 * kMs, Verdict::kPass), std::pair(901 * kMs, Verdict::kFail)}) {
    TrialBuilder task = Loop();
    task.TaskEnd(2, end)
        .End("returned", nullptr, 2000 * kMs)
        .Exit("exited", Json::object(), 2001 * kMs);
    EXPECT_EQ(
        Hold(task, 0.5, 0, 2, Holds(), 1000 * kMs).Check(BlockedLoopChecker(), kThreshold).verdict,
        verdict);
    TrialBuilder main = Loop();
    main.End("returned", nullptr, end).Exit("exited", Json::object(), 2001 * kMs);
    EXPECT_EQ(
        Hold(main, 0.5, 0, 1, Holds(), 1000 * kMs).Check(BlockedLoopChecker(), kThreshold).verdict,
        verdict);
  }
}

TEST(BlockedLoopCheckerTest, CannotDecideWithoutARecordingThatLookedForIt) {
  TrialBuilder trial = Loop();
  trial.Watched({.hold_threshold = 101 * kMs});
  const std::string why = trial.Check(BlockedLoopChecker(), kThreshold).reason;
  EXPECT_EQ(
      why,
      "the recording did not watch its loops for holds of 100ms: run it again with this check");
  EXPECT_EQ(trial.Watched({}).Check(BlockedLoopChecker(), kThreshold).reason, why);
  EXPECT_EQ(trial.Check(BlockedLoopChecker(), Json::object()).verdict, Verdict::kUnknown);
}

TEST(BlockedLoopCheckerTest, CannotDecideWhereALoopWasNotWatched) {
  TrialBuilder trial = Loop();
  trial.Add(EventKind::kWarning, 3, "loops", "too many");
  EXPECT_EQ(trial.Check(BlockedLoopChecker(), kThreshold).reason, "too many");
}

TEST(BlockedLoopCheckerTest, IsNotExercisedWithoutALoop) {
  TrialBuilder trial;
  const CheckResult result =
      trial.Watched({.hold_threshold = 100 * kMs}).Check(BlockedLoopChecker(), kThreshold);
  EXPECT_TRUE(result.not_exercised);
  EXPECT_EQ(result.reason, "no thread of the trial was a loop");
}

TEST(BlockedLoopCheckerTest, AcceptsTasksThatHaveThreadsOfTheirOwn) {
  const auto judge = [](const std::vector<std::pair<uint32_t, uint32_t>>& switches) {
    TrialBuilder trial;
    trial.Watched({.hold_threshold = 100 * kMs});
    for (const auto& [thread, task] : switches) {
      trial.Add(EventKind::kSwitch, 2, "", nullptr, task);
      trial.SetThread(thread);
    }
    return trial.Check(BlockedLoopChecker(), kThreshold);
  };
  EXPECT_FALSE(judge({{7, 2}, {8, 3}, {7, 4}}).not_exercised);
  EXPECT_TRUE(judge({{7, 2}, {7, 3}}).not_exercised);
  EXPECT_TRUE(judge({{7, 2}, {8, 3}, {7, 4}, {7, 2}}).not_exercised);
}

TEST(BlockedLoopCheckerTest, NeedsTheSmallestThresholdOfACell) {
  const Json checks = {{{"name", "blocked-loop"}, {"arguments", {{"threshold", 7}}}},
                       {{"name", "blocked-loop"}, {"arguments", {{"threshold", 5}}}},
                       {{"name", "leak"}, {"arguments", Json::object()}},
                       {{"name", "hub-spin"}, {"arguments", {{"for", 500}}}}};
  const RecordingNeeds needs = NeedsOf(checks);
  EXPECT_EQ(needs.hold_threshold, 5);
  EXPECT_EQ(needs.usage_interval, 100);
  EXPECT_EQ(NeedsOf(Json("damaged")).hold_threshold, 0);
}

}  // namespace
}  // namespace trireme
