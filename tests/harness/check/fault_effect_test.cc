#include "harness/check/fault_effect.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "harness/check/applied_faults.h"
#include "harness/check/crash_checker.h"
#include "harness/check/ended_by_fault.h"
#include "harness/check/processor_use.h"
#include "harness/check/unhandled_exception_checker.h"
#include "tests/harness/check/fault_trial.h"

namespace trireme {
namespace {

const Json kReset = {{"error", "ECONNRESET"}};

TrialEffect EffectOf(FaultTrial& trial, const std::vector<Finding>& findings = {}) {
  trial.Finish();
  return EffectOnTrial(trial.View(), findings.empty() ? Verdict::kPass : Verdict::kFail, "",
                       findings, /*not_exercised=*/false);
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

// As where no process had more than that before.
TEST(FaultEffectTest, IsNotReachedWhereNothingCouldBeLimited) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Op(1, "get", 90, 200);
  trial.Limit({{"nofile", 300}, {"for", 0.1}}, 100, {"no process has more than 300 anyway"});
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kNotReached);
}

TEST(FaultEffectTest, IsSurvivedWhereSomeOfItWasLimited) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Op(1, "get", 90, 200);
  trial.Limit({{"nofile", 300}, {"disk", 4096}}, 100, {"no process has more than 300 anyway"});
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kSurvived);
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

TEST(FaultEffectTest, SurvivesWhereTheTaskThatWasToWorkWasStopped) {
  FaultTrial trial;
  trial.Operation(EventKind::kFail, 1, "get", 90, 130);
  trial.Add(EventKind::kFault, 100, "stopped",
            {{"do", {{"cancel", true}}}, {"task", "1"}, {"point", 3}}, 1, 1);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kSurvived);
}

TEST(FaultEffectTest, IsFailedWhereNothingEverWorked) {
  FaultTrial trial;
  trial.Operation(EventKind::kFail, 1, "get", 90, 130);
  trial.Operation(EventKind::kFail, 1, "get", 140, 190);
  trial.Fault("reset", 1, 10, 100, 1, kReset);
  const TrialEffect effect = EffectOf(trial);
  EXPECT_EQ(effect.effect, FaultEffect::kFailed);
  EXPECT_EQ(effect.reason, "no operation of the trial was ever acknowledged");
}

TEST(FaultEffectTest, IsSurvivedWhereNothingWorkedLater) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Operation(EventKind::kFail, 1, "get", 90, 130);
  trial.Fault("reset", 1, 10, 100, 1, kReset);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kSurvived);
}

TEST(FaultEffectTest, IsFailedWhereNothingWorkedLaterThoughItWasTried) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Operation(EventKind::kFail, 1, "get", 90, 130);
  trial.Operation(EventKind::kFail, 1, "get", 140, 190);
  trial.Fault("reset", 1, 10, 100, 1, kReset);
  const TrialEffect effect = EffectOf(trial);
  EXPECT_EQ(effect.effect, FaultEffect::kFailed);
  EXPECT_EQ(effect.reason, "no operation was acknowledged after the fault");
}

const Json kLongStall = {{"stall", 1e-6}};  // 1000 ns, as times are here

// Each of its connections is stalled, and the last one for longer than the workload goes on.
TEST(FaultEffectTest, IsSurvivedWhereAnotherConnectionWorkedDuringAStall) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Operation(EventKind::kFail, 1, "get", 90, 130);
  trial.Op(1, "get", 140, 190).Operation(EventKind::kFail, 1, "get", 195, 250);
  trial.Fault("stall", 1, 10, 100, 1, kLongStall).Fault("stall", 2, 10, 200, 1, kLongStall);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kSurvived);
}

TEST(FaultEffectTest, IsFailedWhereSomethingElseWorkedDuringAStall) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Op(2, "ping", 120, 130);
  trial.Operation(EventKind::kFail, 1, "get", 140, 190);
  trial.Fault("stall", 1, 10, 100, 1, kLongStall);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kFailed);
}

TEST(FaultEffectTest, IsFailedWhereOnlyWhatWasUnderWayWorkedDuringAStall) {
  FaultTrial trial;
  trial.Op(1, "get", 95, 120).Operation(EventKind::kFail, 1, "get", 140, 190);
  trial.Fault("stall", 1, 10, 100, 1, kLongStall);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kFailed);
}

TEST(FaultEffectTest, IsFailedWhereItRecoveredFromAnEarlierFaultOnly) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Operation(EventKind::kFail, 1, "get", 30, 40);
  trial.Op(1, "get", 50, 60).Operation(EventKind::kFail, 1, "get", 90, 130);
  trial.Operation(EventKind::kFail, 1, "get", 140, 190);
  trial.Fault("reset", 1, 10, 35, 1, kReset).Fault("reset", 1, 20, 100, 1, kReset);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kFailed);
}

TEST(FaultEffectTest, IsRecoveredWhereSomethingFailedAfterTheLastThatWorked) {
  FaultTrial trial;
  trial.Op(1, "get", 10, 20).Operation(EventKind::kFail, 1, "get", 90, 130);
  trial.Op(1, "get", 140, 190).Operation(EventKind::kFail, 1, "get", 200, 210);
  trial.Fault("reset", 1, 10, 100, 1, kReset);
  EXPECT_EQ(EffectOf(trial).effect, FaultEffect::kRecovered);
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

TEST(FaultEffectTest, NoticesNotYetWhenTheTaskBeginsToWait) {
  FaultTrial trial;
  trial.Fault("late", 1, 10, 100, 1, {{"delay", 200e-9}});
  trial.Add(EventKind::kWait, 110, "recv", 4, 1, 1)
      .Add(EventKind::kWake, 310, "recv", nullptr, 1, 1);
  EXPECT_EQ(EffectOf(trial).notices, std::vector<int64_t>{210});
}

// What a loop calls is no task's.
std::vector<int64_t> NoticesOfALoop(bool alone) {
  FaultTrial trial;
  trial.Task(2, "1.1", "other", 2);
  trial.Add(EventKind::kWait, 50, "recv", 4, 1, 1);
  trial.Add(EventKind::kWait, 51, alone ? "send" : "recv", 5, 2, 1);
  trial.Fault("late", 1, 10, 100, 1, kReset).SetTask(0);
  trial.Add(EventKind::kWake, 130, "recv", nullptr, 1, 1);
  return EffectOf(trial).notices;
}

TEST(FaultEffectTest, NoticesForALoopWhoAloneWaitsForSuchACall) {
  EXPECT_EQ(NoticesOfALoop(true), std::vector<int64_t>{30});
  EXPECT_TRUE(NoticesOfALoop(false).empty());
}

// 30 of processor time a second until 200, then 10.
FaultTrial Working() {
  FaultTrial trial;
  for (const auto& [time, used] : {std::pair{100, 3'000}, {200, 6'000}, {400, 8'000}})
    trial.Add(EventKind::kUsage, time, "processor", used, 0);
  return trial;
}

TEST(FaultEffectTest, CountsProcessorTimeUntilItRecovered) {
  FaultTrial trial = Working();
  trial.Operation(EventKind::kFail, 1, "get", 90, 130).Op(1, "get", 140, 300);
  trial.Fault("reset", 1, 10, 150, 1, kReset);
  EXPECT_DOUBLE_EQ(EffectOf(trial).cpu_seconds, 0);  // nothing failed after the fault
  FaultTrial failing = Working();
  failing.Operation(EventKind::kFail, 1, "get", 90, 180).Op(1, "get", 190, 300);
  failing.Fault("reset", 1, 10, 150, 1, kReset);
  EXPECT_DOUBLE_EQ(EffectOf(failing).cpu_seconds, 2'500e-9);
}

TEST(FaultEffectTest, CountsProcessorTimeUntilTheTimeoutWhereItHung) {
  FaultTrial trial = Working();
  trial.Fault("reset", 1, 10, 150, 1, kReset);
  trial.Exit("timeout", {{"timeout_ns", 2000}, {"user", 10e-6}, {"system", 14e-6}}, 2000);
  EXPECT_DOUBLE_EQ(EffectOf(trial).cpu_seconds, 24'000e-9 - 4'500e-9);
}

TEST(FaultEffectTest, CountsProcessorTimeUntilTheEndWhereNothingWorkedAnyMore) {
  FaultTrial trial = Working();
  trial.Op(1, "get", 10, 20).Operation(EventKind::kFail, 1, "get", 90, 180);
  trial.Operation(EventKind::kFail, 1, "get", 190, 300);
  trial.Fault("reset", 1, 10, 150, 1, kReset);
  const double used = EffectOf(trial).cpu_seconds;
  EXPECT_DOUBLE_EQ(used, ProcessorUse(trial.View()).Between(150, trial.View().end->time));
  EXPECT_GT(used, 0);
}

TEST(FaultEffectTest, AddsTheProcessorTimeOfEachProcess) {
  FaultTrial trial = Working();
  trial.Fault("pause", 1, 10, 100, 1, {{"delay", 300e-9}});
  for (const auto& [time, used] : {std::pair{150, 0}, {400, 700}}) {
    trial.Add(EventKind::kUsage, time, "processor", used, 0);
    trial.SetProcess(200);
  }
  EXPECT_DOUBLE_EQ(EffectOf(trial).cpu_seconds, 5'700e-9);
}

TEST(FaultEffectTest, KnowsNoProcessorTimeWhereNoneWasNoted) {
  FaultTrial trial;
  trial.Fault("cut", 1, 10, 100);
  EXPECT_EQ(EffectOf(trial).cpu_seconds, -1);
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

TEST(FaultEffectTest, TellsMoreThanInTheReferenceFromLess) {
  const auto effect_of = [](const Json& here, const Json& there) {
    return EffectOf(FindingOf("difference", {{"key", "done"}, {"here", here}, {"there", there}}));
  };
  const Json nine = {{"9", 5}};
  EXPECT_EQ(effect_of({{"10", 1}}, nine), FaultEffect::kMoreData);
  EXPECT_EQ(effect_of({{"9", 4}, {"10", 1}}, nine), FaultEffect::kMoreData);
  EXPECT_EQ(effect_of({{"8", 1}}, nine), FaultEffect::kLostData);
  EXPECT_EQ(effect_of({{"8", 1}, {"10", 1}}, nine), FaultEffect::kLostData);
  EXPECT_EQ(effect_of({{"\"10\"", 1}}, nine), FaultEffect::kLostData);
  EXPECT_EQ(effect_of({{"9", 1}}, {{"8", 1}, {"10", 1}}), FaultEffect::kLostData);
  EXPECT_EQ(effect_of({{"10", 1}}, Json::object()), FaultEffect::kLostData);
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

FaultTrial CommandEnded(int status, const Json& fault) {
  Json cell = FaultTrial::PlannedCellWith(Json::array());
  cell["command"] = {"python3"};
  FaultTrial trial;
  trial.Cell(std::move(cell)).Observe("exit-status", status);
  trial.Add(EventKind::kFault, 100, "end", fault);
  return trial;
}

TEST(CrashUnderFaultsTest, AcceptsTheDeathOfACommandThatThePlanCaused) {
  for (const Json& target :
       {Json{{"target", "runner"}}, Json{{"target", "pyth*"}, {"own", true}}}) {
    Json fault = target;
    fault["do"] = {{"signal", "KILL"}};
    FaultTrial trial = CommandEnded(-9, fault);
    EXPECT_TRUE(EndedByFault(trial.View()));
    EXPECT_EQ(trial.Check(CrashChecker()).verdict, Verdict::kPass);
  }
}

TEST(FaultEffectTest, IsFailedWhereACommandSaysSo) {
  const Json fault = {{"target", "worker"}, {"do", {{"signal", "KILL"}}}};
  const auto effect = [&](int status) {
    FaultTrial trial = CommandEnded(status, fault);
    return EffectOnTrial(trial.View(), Verdict::kPass, "", {}, /*not_exercised=*/false);
  };
  EXPECT_EQ(effect(3).effect, FaultEffect::kFailed);
  EXPECT_EQ(effect(3).reason, "the program ended with exit status 3");
  EXPECT_EQ(effect(0).effect, FaultEffect::kSurvived);
}

TEST(CrashUnderFaultsTest, RejectsAnotherDeathOfACommand) {
  const Json kill = {{"signal", "KILL"}};
  FaultTrial other = CommandEnded(-11, {{"target", "runner"}, {"do", kill}});
  EXPECT_EQ(other.Check(CrashChecker()).verdict, Verdict::kFail);
  FaultTrial below = CommandEnded(-9, {{"target", "worker"}, {"do", kill}});
  EXPECT_EQ(below.Check(CrashChecker()).verdict, Verdict::kFail);
}

TEST(AppliedFaultsTest, NamesEachOnce) {
  FaultTrial trial;
  trial.Fault("cut", 1, 10).Fault("reset", 1, 20).Fault("cut", 1, 30);
  EXPECT_EQ(NamesOfAppliedFaults(trial.View()), (std::set<std::string>{"cut", "reset"}));
  FaultTrial none;
  none.Op(1, "put", 10, 20);
  EXPECT_TRUE(NamesOfAppliedFaults(none.View()).empty());
}

TEST(AppliedFaultsTest, GivesEachOfManyThatAreTheSameItsOwnTime) {
  FaultTrial trial;
  const Json slow = {{"do", {{"delay", 1e-6}}}, {"call", "recv"}};
  for (const int64_t time : {10, 20, 30}) trial.Add(EventKind::kFault, time, "slow", slow);
  trial.Add(EventKind::kFault, 40, "slow", {{"over", true}});
  trial.Add(EventKind::kFault, 50, "slow", slow);
  std::vector<std::pair<int64_t, int64_t>> times;
  for (const AppliedFault& fault : AppliedFaults(trial.View()))
    times.emplace_back(fault.time, fault.end);
  EXPECT_EQ(times, (decltype(times){{10, 1010}, {20, 1020}, {30, 1030}, {50, 1050}}));
}

TEST(CrashUnderFaultsTest, RejectsAnotherDeath) {
  for (const auto& [planned, signal] : {std::pair("KILL", 11), {"STOP", 9}}) {
    FaultTrial trial = Killed(planned, signal);
    EXPECT_EQ(trial.Check(CrashChecker()).verdict, Verdict::kFail) << planned;
  }
}

// A TERM at 100 that the program handled, and so long after it so many operations one after another, before it died of one.
FaultTrial HandledAndDied(int operations, const Json& how, int64_t after = 1'000'000'000) {
  FaultTrial trial;
  for (int64_t n = 0; n < operations; ++n)
    trial.Op(1, "get", after + 10 * n, after + 5 + 10 * n, n);
  trial.Exit("signalled", {{"code", nullptr},
                           {"signal", 15},
                           {"fault", {{"id", 1}, {"name", "end"}}}});
  Json fault = how;
  fault["do"] = {{"signal", "TERM"}};
  fault["target"] = "runner";
  trial.Add(EventKind::kFault, 100, "end", std::move(fault));
  return trial;
}

TEST(CrashUnderFaultsTest, AcceptsTheDeathOfWhoHandledTheSignalAndThenStopped) {
  for (const int operations : {0, 1}) {
    FaultTrial trial = HandledAndDied(operations, {{"handled", true}});
    EXPECT_EQ(trial.Check(CrashChecker()).verdict, Verdict::kPass) << operations;
  }
  // These it had begun before the signal came to it.
  FaultTrial before = HandledAndDied(1000, {{"handled", true}}, 200);
  EXPECT_EQ(before.Check(CrashChecker()).verdict, Verdict::kPass);
  FaultTrial at_once = HandledAndDied(2, Json::object());
  EXPECT_EQ(at_once.Check(CrashChecker()).verdict, Verdict::kPass);
}

TEST(CrashUnderFaultsTest, RejectsTheDeathOfWhoHandledTheSignalAndWentOn) {
  FaultTrial trial = HandledAndDied(2, {{"handled", true}});
  EXPECT_FALSE(EndedByFault(trial.View()));
  const CheckResult result = trial.Check(CrashChecker());
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].message,
            "ended by SIGTERM before main ended; the SIGTERM of the plan was handled, and the "
            "program went on");
}

TEST(CrashUnderFaultsTest, RejectsTheDeathOfWhoIgnoredTheSignal) {
  FaultTrial trial = HandledAndDied(0, {{"ignored", true}});
  EXPECT_EQ(trial.Check(CrashChecker()).verdict, Verdict::kFail);
}

TEST(CrashUnderFaultsTest, RejectsADeathByASignalThatWasSentToAWorker) {
  FaultTrial trial;
  trial.OpenOp(1, "get", 10).Exit("signalled", {{"code", nullptr}, {"signal", 9}});
  trial.Add(EventKind::kFault, 100, "end", {{"target", "worker"}, {"do", {{"signal", "KILL"}}}});
  EXPECT_EQ(trial.Check(CrashChecker()).verdict, Verdict::kFail);
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
