#include "harness/check/overlap_checker.h"

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

// Two workers that live at the same time.
TrialBuilder TwoWorkers() {
  TrialBuilder trial;
  trial.Task(2, "1.1", "a", 1).Task(3, "1.2", "b", 1);
  return trial;
}

CheckResult CheckOverlap(TrialBuilder& trial, const std::vector<std::string>& ops = {"sell"}) {
  return trial.Check(OverlapChecker(), {{"ops", ops}});
}

TEST(OverlapCheckerTest, AcceptsOperationsThatTouch) {
  EXPECT_EQ(CheckOverlap(TwoWorkers().Op(2, "sell", 10, 20).Op(3, "sell", 20, 30)).verdict,
            Verdict::kPass);
}

TEST(OverlapCheckerTest, RejectsOperationsThatOverlapByOneTick) {
  const CheckResult result = CheckOverlap(TwoWorkers().Op(2, "sell", 10, 21).Op(3, "sell", 20, 30));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason,
            "sell of a (0.01us..0.021us) and sell of b (0.02us..0.03us) were open at once");
  EXPECT_EQ(result.findings.at(0).evidence.at("witness").at(0).at("id"), 1);
  EXPECT_EQ(result.findings.at(0).evidence.at("witness").at(1).at("id"), 2);
}

TEST(OverlapCheckerTest, FindsALongOperationBehindAShortOne) {
  EXPECT_EQ(
      CheckOverlap(TwoWorkers().Op(2, "sell", 10, 90).Op(2, "sell", 20, 30).Op(3, "sell", 40, 50))
          .verdict,
      Verdict::kFail);
}

TEST(OverlapCheckerTest, FindsAnOperationOfAnotherTaskBehindALongerOneOfTheSame) {
  TrialBuilder trial = TwoWorkers();
  trial.Op(3, "sell", 10, 40).Op(2, "sell", 5, 90).Op(2, "sell", 30, 35);
  EXPECT_EQ(CheckOverlap(trial).findings.at(0).evidence.at("pairs"), 2);
}

TEST(OverlapCheckerTest, KeepsAnOperationOpenThatNeverEnded) {
  EXPECT_EQ(CheckOverlap(TwoWorkers().OpenOp(2, "sell", 10).Op(3, "sell", 500, 510)).verdict,
            Verdict::kFail);
}

TEST(OverlapCheckerTest, AcceptsATaskThatNestsItsOwn) {
  EXPECT_EQ(
      CheckOverlap(TwoWorkers().Op(2, "sell", 10, 40).Op(2, "sell", 20, 30).Op(3, "sell", 50, 60))
          .verdict,
      Verdict::kPass);
}

TEST(OverlapCheckerTest, IgnoresOtherOperations) {
  EXPECT_EQ(
      CheckOverlap(TwoWorkers().Op(2, "sell", 10, 20).Op(3, "look", 10, 30).Op(3, "sell", 20, 30))
          .verdict,
      Verdict::kPass);
}

TEST(OverlapCheckerTest, ExcludesOperationsOfSeveralNames) {
  EXPECT_EQ(
      CheckOverlap(TwoWorkers().Op(2, "sell", 10, 21).Op(3, "refund", 20, 30), {"sell", "refund"})
          .verdict,
      Verdict::kFail);
}

TEST(OverlapCheckerTest, CannotDecideWithOneTask) {
  EXPECT_EQ(CheckOverlap(TwoWorkers().Op(2, "sell", 10, 20)).verdict, Verdict::kUnknown);
}

TEST(OverlapCheckerTest, CannotDecideWhenOneTaskEndedBeforeTheOtherBegan) {
  TrialBuilder apart;
  apart.Task(2, "1.1", "a", 1).Op(2, "sell", 10, 20).TaskEnd(2, 30);
  apart.Task(3, "1.2", "b", 30).Op(3, "sell", 40, 50);
  EXPECT_EQ(CheckOverlap(apart).reason, "no two concurrent tasks did 'sell'");

  TrialBuilder together;
  together.Task(2, "1.1", "a", 1).Op(2, "sell", 10, 20).TaskEnd(2, 30);
  together.Task(3, "1.2", "b", 29).Op(3, "sell", 40, 50);
  EXPECT_EQ(CheckOverlap(together).verdict, Verdict::kPass);
}

}  // namespace
}  // namespace trireme
