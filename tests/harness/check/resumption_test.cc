#include "harness/check/resumption.h"

#include <gtest/gtest.h>

#include "harness/check/invariant_checker.h"
#include "tests/harness/check/fault_trial.h"

namespace trireme {
namespace {

constexpr int64_t kResumptionTimeout = 2000;

// Its only fault is over at 400: half of the time that is left is at 1200.
FaultTrial Paused() {
  FaultTrial trial;
  trial.Signal("STOP", 100).Signal("CONT", 400, true).Op(1, "get", 10, 20);
  return trial;
}

// What the invariants say of a trial that is ended at its timeout; "" for nothing.
std::string Reason(FaultTrial& trial) {
  trial.Exit("timeout", {{"timeout_ns", kResumptionTimeout}}, kResumptionTimeout);
  return trial.Check(InvariantChecker(), Json::object()).reason;
}

TEST(ResumptionTest, RejectsAWaitThatBeginsAsTheFaultEnds) {
  FaultTrial trial = Paused();
  trial.Add(EventKind::kSwitch, 401, "").Add(EventKind::kDeadline, 402, "recv", 100);
  trial.Add(EventKind::kWait, 1200, "accept");
  EXPECT_EQ(
      Reason(trial),
      "nothing got done after 'pause' (signal STOP) was over, at 0.4us; the last sign of life "
      "was at 1.2us");
}

// What was recorded no more may have happened.
TEST(ResumptionTest, SaysNothingWhereEventsAreMissing) {
  FaultTrial trial = Paused();
  trial.Watched({.damage = "the last part is missing"});
  EXPECT_EQ(Reason(trial), "");
}

TEST(ResumptionTest, AcceptsWhatStillMovesInTheSecondHalf) {
  FaultTrial trial = Paused();
  trial.Add(EventKind::kWait, 1201, "accept");
  EXPECT_EQ(Reason(trial), "");
}

TEST(ResumptionTest, RejectsWhatTriesAgainAndFailsEachTime) {
  FaultTrial trial = Paused();
  trial.Operation(EventKind::kFail, 1, "ask", 401, 800);
  trial.Operation(EventKind::kFail, 1, "ask", 801, 1201).Add(EventKind::kWait, 1900, "recv");
  EXPECT_EQ(Reason(trial),
            "nothing succeeded after 'pause' (signal STOP) was over, at 0.4us; 2 operations failed "
            "since, the last at 1.2us");
}

TEST(ResumptionTest, AcceptsFailuresOfTheFirstHalfWhereItStillMoves) {
  FaultTrial trial = Paused();
  trial.Operation(EventKind::kFail, 1, "ask", 401, 1200).Add(EventKind::kWait, 1900, "recv");
  EXPECT_EQ(Reason(trial), "");
}

TEST(ResumptionTest, AcceptsAnOperationHoweverLate) {
  for (const int64_t late : {kResumptionTimeout, kResumptionTimeout + 1}) {
    FaultTrial trial = Paused();
    trial.Operation(EventKind::kFail, 1, "ask", 401, 1900).Op(1, "ask", 1901, late);
    EXPECT_EQ(Reason(trial).empty(), late == kResumptionTimeout) << late;
  }
}

TEST(ResumptionTest, AcceptsWhatWasGotDoneAtOnceAndThenNothing) {
  for (const bool done : {true, false}) {
    FaultTrial trial = Paused();
    trial.Observe("x", 1, done ? 401 : 400);
    EXPECT_EQ(Reason(trial).empty(), done);
  }
}

TEST(ResumptionTest, AcceptsReceivedBytesButNoSentOnes) {
  for (const auto& [kind, accepted] : {std::pair{"recv", true}, {"send", false}}) {
    FaultTrial trial = Paused();
    trial.Add(EventKind::kWake, 500, kind, 5);
    EXPECT_EQ(Reason(trial).empty(), accepted) << kind;
  }
  for (const auto& [key, accepted] : {std::pair{"client read", true}, {"client write", false}}) {
    FaultTrial trial = Paused();
    trial.Wire(1, key, "abc", 500);
    EXPECT_EQ(Reason(trial).empty(), accepted) << key;
  }
}

TEST(ResumptionTest, AcceptsAWorkloadThatEnded) {
  for (const int64_t end : {kResumptionTimeout, kResumptionTimeout + 1}) {
    FaultTrial trial = Paused();
    trial.End("returned", nullptr, end);
    EXPECT_EQ(Reason(trial).empty(), end == kResumptionTimeout) << end;
  }
}

TEST(ResumptionTest, AcceptsAProcessThatEnded) {
  FaultTrial trial = Paused();
  trial.Operation(EventKind::kFail, 1, "ask", 401, 1900);
  EXPECT_EQ(trial.Check(InvariantChecker(), Json::object()).reason, "");
}

TEST(ResumptionTest, AsksOnlyWhereAQuarterOfTheTimeIsLeft) {
  for (const int64_t over : {1500, 1501}) {
    FaultTrial trial;
    trial.Signal("STOP", 100).Signal("CONT", over, true);
    EXPECT_EQ(Reason(trial).empty(), over == 1501) << over;
  }
}

TEST(ResumptionTest, AsksNothingWhileAFaultLasts) {
  for (const bool over : {false, true}) {
    FaultTrial trial;
    trial.Fault("cut", 1, 0, 300);
    const auto slow = [&](int64_t time, Json value) {
      trial.Add(EventKind::kFault, time, "slow", std::move(value), 0, 2);
    };
    slow(100, {{"do", {{"latency", 0.05}}}});
    if (over) slow(200, {{"do", {{"latency", 0.05}}}, {"over", true}});
    EXPECT_EQ(Reason(trial).empty(), !over);
  }
}

TEST(ResumptionTest, TakesWhatHitsOneConnectionForOver) {
  FaultTrial trial;
  trial.Fault("dead", 1, 256, 300, 1, {{"half-open", true}});
  EXPECT_NE(Reason(trial), "");
}

}  // namespace
}  // namespace trireme
