#include "harness/check/deadline_checker.h"

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

CheckResult CheckDeadline(TrialBuilder& trial) {
  return trial.Check(DeadlineChecker(), {{"op", "request"}, {"within", 1000}});
}

TEST(DeadlineCheckerTest, AcceptsAnOperationThatTookExactlyThatLong) {
  EXPECT_EQ(CheckDeadline(TrialBuilder().Op(1, "request", 10, 1010)).verdict, Verdict::kPass);
}

TEST(DeadlineCheckerTest, RejectsOneThatTookATickLonger) {
  const CheckResult result =
      CheckDeadline(TrialBuilder().Op(1, "request", 10, 1011).Op(1, "request", 20, 30));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.findings.at(0).evidence.at("witness").at("id"), 1);
}

TEST(DeadlineCheckerTest, NamesTheWorst) {
  const CheckResult result =
      CheckDeadline(TrialBuilder().Op(1, "request", 0, 2000).Op(1, "request", 0, 5000));
  EXPECT_EQ(result.reason,
            "'request' of main took 5us, allowed are 1us; the worst of 2 that missed it");
}

TEST(DeadlineCheckerTest, JudgesFailedOperationsToo) {
  EXPECT_EQ(
      CheckDeadline(TrialBuilder().Operation(EventKind::kFail, 1, "request", 0, 1001)).verdict,
      Verdict::kFail);
}

TEST(DeadlineCheckerTest, RejectsAnOpenOperationThatHadItsTime) {
  const CheckResult result =
      CheckDeadline(TrialBuilder().OpenOp(1, "request", 10).Exit("timeout", Json::object(), 3010));
  EXPECT_EQ(result.reason, "'request' of main had not ended after 3us, allowed are 1us");
}

TEST(DeadlineCheckerTest, CannotDecideOnAnOpenOperationThatHadNot) {
  EXPECT_EQ(
      CheckDeadline(TrialBuilder().OpenOp(1, "request", 10).Exit("signalled", Json::object(), 1010))
          .verdict,
      Verdict::kUnknown);
}

TEST(DeadlineCheckerTest, CannotDecideWithoutAnOperation) {
  EXPECT_EQ(CheckDeadline(TrialBuilder().Op(1, "other", 1, 2)).reason,
            "no operation 'request' was begun");
}

TEST(DeadlineCheckerTest, MissesNoOperationOfATaskThatAFaultStopped) {
  const Json fault = {{"do", {{"cancel", true}}}, {"task", "1"}, {"point", 1}};
  TrialBuilder trial;
  trial.Add(EventKind::kFault, 5, "cancel", fault);
  EXPECT_EQ(CheckDeadline(trial).verdict, Verdict::kPass);
}

}  // namespace
}  // namespace trireme
