#include "harness/check/lost_update_checker.h"

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

TrialBuilder TwoIncrementers() {
  TrialBuilder trial;
  trial.Task(2, "1.1", "a", 1).Task(3, "1.2", "b", 1);
  return trial;
}

CheckResult CheckLostUpdate(TrialBuilder& trial, const Json& total) {
  if (!total.is_null()) trial.Observe("total", total);
  return trial.Check(LostUpdateChecker(), {{"op", "add"}, {"final", "total"}});
}

// Two increments of 1 that overlap.
TrialBuilder& Ones(TrialBuilder&& trial) { return trial.Op(2, "add", 10, 30).Op(3, "add", 20, 40); }

TEST(LostUpdateCheckerTest, AcceptsTheSumOfTheAcknowledged) {
  EXPECT_EQ(CheckLostUpdate(Ones(TwoIncrementers()), 2).verdict, Verdict::kPass);
}

TEST(LostUpdateCheckerTest, RejectsOneLess) {
  const CheckResult result = CheckLostUpdate(Ones(TwoIncrementers()), 1);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason, "'total' is 1, but the acknowledged 'add' operations (2) make 2");
  ASSERT_EQ(result.findings.at(0).participants.size(), 2U);
  EXPECT_EQ(result.findings.at(0).participants[0].task, "a");
  EXPECT_EQ(result.findings.at(0).participants[1].task, "b");
}

TEST(LostUpdateCheckerTest, RejectsOneMore) {
  EXPECT_EQ(CheckLostUpdate(Ones(TwoIncrementers()), 3).verdict, Verdict::kFail);
}

TEST(LostUpdateCheckerTest, AddsTheValuesOfTheOperations) {
  EXPECT_EQ(CheckLostUpdate(TwoIncrementers().Op(2, "add", 10, 30, 5).Op(3, "add", 20, 40, -2), 3)
                .verdict,
            Verdict::kPass);
  EXPECT_EQ(CheckLostUpdate(TwoIncrementers().Op(2, "add", 10, 30, 5).Op(3, "add", 20, 40, -2), 4)
                .verdict,
            Verdict::kFail);
}

TEST(LostUpdateCheckerTest, AllowsForRoundingOfFractionsOnly) {
  EXPECT_EQ(CheckLostUpdate(TwoIncrementers().Op(2, "add", 1, 2, 0.1).Op(3, "add", 2, 3, 0.2), 0.3)
                .verdict,
            Verdict::kPass);
  EXPECT_EQ(CheckLostUpdate(TwoIncrementers().Op(2, "add", 1, 2, 0.1).Op(3, "add", 2, 3, 0.2), 0.31)
                .verdict,
            Verdict::kFail);
}

// In this order the sum is 1, in the opposite one a little less.
TEST(LostUpdateCheckerTest, AllowsForRoundingWhereFractionsMakeAWholeNumber) {
  const auto trial = [] {
    return TwoIncrementers()
        .Op(2, "add", 1, 2, 0.1)
        .Op(3, "add", 2, 3, 0.2)
        .Op(2, "add", 3, 4, 0.3)
        .Op(3, "add", 4, 5, 0.4);
  };
  TrialBuilder rounded = trial();
  EXPECT_EQ(CheckLostUpdate(rounded, 0.9999999999999999).verdict, Verdict::kPass);
  TrialBuilder lost = trial();
  EXPECT_EQ(CheckLostUpdate(lost, 0.9).verdict, Verdict::kFail);
}

TEST(LostUpdateCheckerTest, AllowsForRoundingOfWhatIsTakenAwayAgain) {
  const auto trial = [] {
    return TwoIncrementers()
        .Op(2, "add", 1, 2, 1e9)
        .Op(3, "add", 2, 3, 0.1)
        .Op(2, "add", 3, 4, -1e9);
  };
  TrialBuilder rounded = trial();
  EXPECT_EQ(CheckLostUpdate(rounded, 0.1).verdict, Verdict::kPass);
  TrialBuilder lost = trial();
  EXPECT_EQ(CheckLostUpdate(lost, 0).verdict, Verdict::kFail);
}

TEST(LostUpdateCheckerTest, DoesNotCountAnOperationThatFailed) {
  const auto trial = [] {
    return TwoIncrementers().Op(2, "add", 10, 30).Operation(EventKind::kFail, 3, "add", 20, 40);
  };
  TrialBuilder without = trial();
  EXPECT_EQ(CheckLostUpdate(without, 1).verdict, Verdict::kPass);
  TrialBuilder with = trial();
  EXPECT_EQ(CheckLostUpdate(with, 2).verdict, Verdict::kFail);
}

TEST(LostUpdateCheckerTest, AllowsEitherFateOfAnUncertainOperation) {
  for (const int total : {1, 2}) {
    EXPECT_EQ(
        CheckLostUpdate(
            TwoIncrementers().Op(2, "add", 10, 30).Operation(EventKind::kInfo, 3, "add", 20, 40),
            total)
            .verdict,
        Verdict::kPass);
    EXPECT_EQ(
        CheckLostUpdate(TwoIncrementers().Op(2, "add", 10, 30).OpenOp(3, "add", 20), total).verdict,
        Verdict::kPass);
  }
  const CheckResult result =
      CheckLostUpdate(TwoIncrementers().Op(2, "add", 10, 30).OpenOp(3, "add", 20), 0);
  EXPECT_EQ(result.reason,
            "'total' is 0, but the acknowledged 'add' operations (1) make 1 to 2 with the 1 of "
            "unknown fate");
}

TEST(LostUpdateCheckerTest, HasNoWitnessWhereNothingOverlapped) {
  EXPECT_TRUE(CheckLostUpdate(TwoIncrementers().Op(2, "add", 10, 20).Op(3, "add", 20, 30), 1)
                  .findings.at(0)
                  .participants.empty());
}

TEST(LostUpdateCheckerTest, CannotDecideWithoutTheObservation) {
  EXPECT_EQ(CheckLostUpdate(Ones(TwoIncrementers()), nullptr).reason,
            "no number was observed as 'total'");
  EXPECT_EQ(CheckLostUpdate(Ones(TwoIncrementers()), "two").verdict, Verdict::kUnknown);
}

TEST(LostUpdateCheckerTest, CannotDecideWithOneTask) {
  EXPECT_EQ(CheckLostUpdate(TwoIncrementers().Op(2, "add", 10, 20), 0).verdict, Verdict::kUnknown);
}

}  // namespace
}  // namespace trireme
