#include "harness/check/invariant_checker.h"

#include <gtest/gtest.h>

#include "tests/harness/check/fault_trial.h"

namespace trireme {
namespace {

const Json kArguments = {{"ops", {"put"}}, {"final", "stored"}};

CheckResult CheckInvariant(TrialBuilder& trial, const Json& arguments = Json::object()) {
  return trial.Check(InvariantChecker(), arguments);
}

TEST(InvariantCheckerTest, AcceptsWhatWasAcknowledgedAndIsThere) {
  FaultTrial trial;
  trial.Op(1, "put", 10, 20, 1).Op(1, "put", 30, 40, 2).Observe("stored", {2, 1});
  EXPECT_EQ(CheckInvariant(trial, kArguments).verdict, Verdict::kPass);
}

TEST(InvariantCheckerTest, RejectsALostAcknowledgement) {
  FaultTrial trial;
  trial.Op(1, "put", 10, 20, 1).Op(1, "put", 30, 40, 2).Observe("stored", {2});
  const CheckResult result = CheckInvariant(trial, kArguments);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason, "'put' of 1 was acknowledged to main, but 'stored' has it not");
  EXPECT_EQ(result.findings.at(0).kind, "invariant");
}

TEST(InvariantCheckerTest, AcceptsAFailedOperationThatMayHaveHappened) {
  for (const Json& stored : {Json{1, 2}, Json{1}}) {
    FaultTrial trial;
    trial.Op(1, "put", 10, 20, 1)
        .Operation(EventKind::kFail, 1, "put", 30, 40, 2)
        .Observe("stored", stored);
    EXPECT_EQ(CheckInvariant(trial, kArguments).verdict, Verdict::kPass);
  }
}

TEST(InvariantCheckerTest, RejectsWhatWasDoneTwice) {
  FaultTrial trial;
  trial.Op(1, "put", 10, 20, 1).Observe("stored", {1, 1});
  EXPECT_EQ(CheckInvariant(trial, kArguments).reason,
            "'put' of 1 was acknowledged to main 1 time, but 'stored' has it 2 times");
}

TEST(InvariantCheckerTest, AcceptsAsOftenAsItWasInvoked) {
  FaultTrial trial;
  trial.Operation(EventKind::kInfo, 1, "put", 5, 8, 1)
      .Op(1, "put", 10, 20, 1)
      .Observe("stored", {1, 1});
  EXPECT_EQ(CheckInvariant(trial, kArguments).verdict, Verdict::kPass);
}

TEST(InvariantCheckerTest, CannotDecideWithoutTheFinalValues) {
  FaultTrial trial;
  trial.Op(1, "put", 10, 20, 1);
  const CheckResult result = CheckInvariant(trial, kArguments);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, "nothing was observed as 'stored'");
}

TEST(InvariantCheckerTest, AcceptsABeginningOfWhatTheOtherEndWrote) {
  FaultTrial trial;
  trial.Open(1).Open(1, "server").Wire(1, "server write", "ab").Wire(1, "server write", "cd", 11);
  trial.Wire(1, "client read", "abc", 20);
  EXPECT_EQ(CheckInvariant(trial).verdict, Verdict::kPass);
}

TEST(InvariantCheckerTest, RejectsBytesOfAnotherConnection) {
  FaultTrial trial;
  trial.Open(1).Open(1, "server").Open(2, "server").Wire(1, "server write", "abcd");
  trial.Wire(2, "server write", "wxyz").Wire(1, "client read", "abyz", 20);
  const CheckResult result = CheckInvariant(trial);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason,
            "client read of 1#0 read at byte 2 what the other end did not write there; connection "
            "1#1 wrote it");
}

const Json kMarked = {{"mark", "client-"}};

// Two connections, of client-0 and client-1; each server answers with what it says here.
FaultTrial Answered(const std::string& first, const std::string& second) {
  FaultTrial trial;
  for (const auto& [number, answer] : {std::pair{1, first}, {2, second}}) {
    trial.Open(number).Open(number, "server");
    trial.Wire(number, "client write", "I am client-" + std::to_string(number - 1) + "\n");
    trial.Wire(number, "server write", answer.substr(0, 5), 20);
    trial.Wire(number, "server write", answer.substr(5), 21);
  }
  return trial;
}

TEST(InvariantCheckerTest, AcceptsOneMarkAConnection) {
  FaultTrial trial = Answered("client-0 client-0.", "to client-1.");
  EXPECT_EQ(CheckInvariant(trial, kMarked).verdict, Verdict::kPass);
}

TEST(InvariantCheckerTest, RejectsTheMarkOfAnotherConnection) {
  FaultTrial trial = Answered("client-0 client-1.", "to client-1.");
  const CheckResult result = CheckInvariant(trial, kMarked);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason,
            "server write of 1#0 has 'client-1' at byte 9, but the connection is of 'client-0'; "
            "connection 1#1 is of the other");
  EXPECT_EQ(GetString(result.findings.at(0).evidence, "rule"), "bytes");
  FaultTrial unmarked = Answered("client-0 client-1.", "to client-1.");
  EXPECT_NE(CheckInvariant(unmarked).verdict, Verdict::kFail);
}

TEST(InvariantCheckerTest, AcceptsAMarkThatTheEndCutOff) {
  FaultTrial trial = Answered("client-0 client-", "to client-10");
  EXPECT_EQ(CheckInvariant(trial, kMarked).verdict, Verdict::kPass);
}

TEST(InvariantCheckerTest, CannotDecideWithoutAMark) {
  FaultTrial trial;
  trial.Open(1).Wire(1, "client write", "client").Wire(1, "server write", "client-1.", 11);
  const CheckResult result = CheckInvariant(trial, kMarked);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, "no client wrote 'client-' into a connection");
}

TEST(InvariantCheckerTest, WantsTheBytesRecordedForMarksOnly) {
  EXPECT_TRUE(InvariantChecker().Needs(kMarked).wire);
  EXPECT_FALSE(InvariantChecker().Needs(kArguments).wire);
}

TEST(InvariantCheckerTest, RejectsATaskThatStayed) {
  FaultTrial trial;
  trial.Fault("cut", 1, 0)
      .Add(EventKind::kCensus, 990, "tasks", Json::array({{{"name", "reader-1"}}}));
  const CheckResult result = CheckInvariant(trial);
  EXPECT_EQ(result.reason, "reader-1 outlived the workload");
}

TEST(InvariantCheckerTest, LeavesTasksToTheCheckForLeaks) {
  FaultTrial trial;
  Json cell = FaultTrial::PlannedCellWith(Json::array());
  cell["checks"] = Json::array({{{"name", "leak"}}});
  trial.Cell(cell);
  trial.Fault("cut", 1, 0)
      .Add(EventKind::kCensus, 990, "tasks", Json::array({{{"name", "reader-1"}}}));
  EXPECT_EQ(CheckInvariant(trial).verdict, Verdict::kPass);
}

TEST(InvariantCheckerTest, RejectsStandstillAfterTheLastFault) {
  FaultTrial trial;
  trial.Signal("STOP", 100).Signal("CONT", 400, true).Op(1, "get", 10, 20);
  trial.Exit("timeout", {{"timeout_ns", 2000}}, 2000);
  const CheckResult result = CheckInvariant(trial);
  EXPECT_EQ(result.reason, "nothing happened after 'pause' (signal STOP) was over, at 0.4us");
  EXPECT_EQ(GetString(result.findings.at(0).evidence, "rule"), "progress");
}

TEST(InvariantCheckerTest, CannotDecideWithoutFaultsAndBytes) {
  FaultTrial trial;
  const CheckResult result = CheckInvariant(trial);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_TRUE(result.not_exercised);
}

Json CellWithoutPlan(const Json& more = Json::object()) {
  Json cell = {{"id", "cell"},
               {"scenario", "tests/example"},
               {"faults", Json::array()},
               {"fault_plan", nullptr},
               {"checks", {{{"name", "invariant"}, {"arguments", Json::object()}}}}};
  cell.update(more);
  return cell;
}

TEST(InvariantCheckerTest, AcceptsACellThatPlansNeitherFaultsNorBytes) {
  FaultTrial trial;
  trial.Cell(CellWithoutPlan());
  trial.Open(1).Op(1, "get", 10, 20);
  EXPECT_EQ(CheckInvariant(trial).verdict, Verdict::kPass);
}

// They were to be recorded, and are not.
TEST(InvariantCheckerTest, CannotDecideWithoutTheBytesOfACellThatRecordsThem) {
  for (const Json& more : {Json{{"checks", {{{"name", "invariant"}, {"arguments", kMarked}}}}},
                           Json{{"compare", {{"wire", "exact"}}}}, Json{{"watched", true}}}) {
    FaultTrial trial;
    trial.Cell(CellWithoutPlan(more));
    trial.Open(1).Op(1, "get", 10, 20);
    EXPECT_EQ(CheckInvariant(trial).verdict, Verdict::kUnknown) << more;
  }
}

}  // namespace
}  // namespace trireme
