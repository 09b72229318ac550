#include "harness/check/fault_effect.h"

#include <gtest/gtest.h>

#include "harness/check/crash_checker.h"
#include "harness/check/unhandled_exception_checker.h"
#include "tests/harness/check/fault_trial.h"

namespace trireme {
namespace {

const Json kReset = {{"error", "ECONNRESET"}};

TrialEffect EffectOf(FaultTrial& trial, const std::vector<Finding>& findings = {}) {
  trial.Finish();
  return EffectOnTrial(trial.View(), findings.empty() ? Verdict::kPass : Verdict::kFail, "",
                       findings);
}

Finding FindingOf(const std::string& kind, const Json& evidence = Json::object()) {
  Finding finding;
  finding.kind = kind;
  finding.message = "a " + kind;
  finding.evidence = evidence;
  return finding;
}

TEST(FaultEffectTest, IsNotReachedWithoutAFault) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kNotReached);
}

TEST(FaultEffectTest, IsSurvivedWhereNothingFailed) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Op(1, "get", 90, 200);
  trial.Fault("cut", 1, 10, 100);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kSurvived);
}

TEST(FaultEffectTest, IsRecoveredWhereSomethingFailedAndSomethingWorkedLater) {
  FaultTrial trial;
  trial.Operation(EventKind::kFail, 1, "get", 90, 130).Op(1, "get", 140, 190);
  trial.Fault("reset", 1, 10, 100, 1, kReset);
  const TrialEffect effect = EffectOf(trial);
  EXPECT_EQ(effect.effect, FaultEffect::kRecovered);
  EXPECT_EQ(effect.notices, std::vector<int64_t>{30});
  EXPECT_EQ(effect.recovery, 90);
  EXPECT_EQ(effect.failed, 1);
}

TEST(FaultEffectTest, IsSurvivedWhereNothingWorkedLater) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Operation(EventKind::kFail, 1, "get", 90, 130);
  trial.Fault("reset", 1, 10, 100, 1, kReset);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kSurvived);
}

TEST(FaultEffectTest, CountsRecoveryFromTheEndOfTheFault) {
  FaultTrial trial;
  trial.Operation(EventKind::kFail, 1, "get", 90, 130)
      .Op(1, "get", 140, 300)
      .Op(1, "get", 310, 450);
  trial.Signal("STOP", 100).Signal("CONT", 400, true);
  EXPECT_EQ(EffectOf(trial).recovery, 50);
}

TEST(FaultEffectTest, NoticesWithoutAnOperationWhatTheTaskDoesNext) {
  FaultTrial trial;
  trial.Fault("reset", 1, 10, 100, 1, kReset).Observe("ended", true, 170);
  EXPECT_EQ(EffectOf(trial).notices, std::vector<int64_t>{70});
}

TEST(FaultEffectTest, TakesTheHeaviestFinding) {
  const auto effect_of = [](const std::vector<Finding>& findings) {
    FaultTrial trial;
    trial.Fault("cut", 1, 10);
    return EffectOf(trial, findings).effect;
  };
  EXPECT_EQ(effect_of({FindingOf("leak")}), FaultEffect::kFailed);
  EXPECT_EQ(effect_of({FindingOf("leak"), FindingOf("unhandled-exception")}),
            FaultEffect::kWrongError);
  EXPECT_EQ(effect_of({FindingOf("invariant", {{"rule", "bytes"}})}), FaultEffect::kLostData);
  EXPECT_EQ(effect_of({FindingOf("invariant", {{"rule", "progress"}})}), FaultEffect::kHung);
  EXPECT_EQ(effect_of({FindingOf("hang"), FindingOf("crash")}), FaultEffect::kCrashed);
  Finding advisory = FindingOf("leak");
  advisory.advisory = true;
  EXPECT_EQ(effect_of({advisory}), FaultEffect::kSurvived);
}

TEST(FaultEffectTest, CountsAnOperationThatWasAcknowledgedAgain) {
  FaultTrial trial;
  trial.Op(1, "put", 10, 20, 1)
      .Op(1, "put", 30, 40, 2)
      .Op(1, "put", 50, 60, 1)
      .Op(1, "ping", 70, 80);
  trial.Fault("cut", 1, 10).Op(1, "ping", 81, 82);
  EXPECT_EQ(EffectOf(trial).duplicates, 1);
}

FaultTrial Killed(const std::string& planned, int64_t signal) {
  FaultTrial trial;
  trial.OpenOp(1, "get", 10).Exit("signalled", {{"code", nullptr}, {"signal", signal}});
  trial.Signal(planned, 100);
  return trial;
}

TEST(CrashUnderFaultsTest, AcceptsTheDeathThatThePlanCaused) {
  FaultTrial trial = Killed("KILL", 9);
  EXPECT_TRUE(EndedByFault(trial.View()));
  EXPECT_EQ(trial.Check(CrashChecker()).verdict, Verdict::kPass);
  EXPECT_TRUE(trial.Check(UnhandledExceptionChecker()).not_exercised);
}

TEST(CrashUnderFaultsTest, AcceptsTheDeathThatTheEngineNames) {
  FaultTrial trial;
  trial.OpenOp(1, "get", 10)
      .Exit("exited", {{"code", 143}, {"fault", {{"id", 1}, {"name", "end"}}}});
  EXPECT_EQ(trial.Check(CrashChecker()).verdict, Verdict::kPass);
}

TEST(CrashUnderFaultsTest, RejectsAnotherDeath) {
  for (const auto& [planned, signal] : {std::pair("KILL", 11), {"STOP", 9}}) {
    FaultTrial trial = Killed(planned, signal);
    EXPECT_EQ(trial.Check(CrashChecker()).verdict, Verdict::kFail) << planned;
  }
}

// asyncio tells of a reset in the operation, and again of the transport that nobody closes.
CheckResult ExceptionsAfter(bool fault, const Json& again, const std::string& where) {
  const Json reset = ErrorJson("ConnectionResetError", "reset", 104);
  FaultTrial trial;
  trial.Operation(EventKind::kFail, 1, "get", 90, 130, nullptr, reset);
  if (fault) trial.Fault("reset", 1, 10, 100, 1, kReset);
  trial.Add(EventKind::kException, 200, where, again, 0);
  return trial.Check(UnhandledExceptionChecker());
}

TEST(UnhandledUnderFaultsTest, AcceptsAnEchoOfAnErrorThatTheWorkloadHandled) {
  const Json echo = ErrorJson("ConnectionResetError", "reset", 104);
  EXPECT_EQ(ExceptionsAfter(true, echo, "never-retrieved").verdict, Verdict::kPass);
  EXPECT_EQ(ExceptionsAfter(false, echo, "never-retrieved").verdict, Verdict::kFail);
  EXPECT_EQ(ExceptionsAfter(true, echo, "thread").verdict, Verdict::kFail);
}

TEST(UnhandledUnderFaultsTest, RejectsAnErrorThatNoOperationMet) {
  const Json other = ErrorJson("BrokenPipeError", "broken-pipe", 32);
  EXPECT_EQ(ExceptionsAfter(true, other, "never-retrieved").verdict, Verdict::kFail);
}

}  // namespace
}  // namespace trireme
