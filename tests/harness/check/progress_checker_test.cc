#include "harness/check/progress_checker.h"

#include <gmock/gmock.h>

#include "tests/harness/check/sync_trial.h"

namespace trireme {
namespace {

constexpr int64_t kTimeout = 10'000;  // of TrialBuilder; its last quarter begins after 7,500

CheckResult CheckTimeout(TrialBuilder& trial) {
  return trial.Exit("timeout", {{"timeout_ns", kTimeout}}, kTimeout + 50).Check(ProgressChecker());
}

TEST(ProgressCheckerTest, AcceptsATrialThatEnded) {
  EXPECT_EQ(TrialBuilder().Observe("x", 1).Check(ProgressChecker()).verdict, Verdict::kPass);
}

TEST(ProgressCheckerTest, RejectsATrialThatLastMovedBeforeItsLastQuarter) {
  const CheckResult result = CheckTimeout(TrialBuilder().Observe("x", 1, 7500));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.findings.at(0).kind, "hang");
}

TEST(ProgressCheckerTest, CallsATrialTooSlowThatMovedOneTickLater) {
  const CheckResult result = CheckTimeout(TrialBuilder().Observe("x", 1, 7501));
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, "too slow: it still progressed at its timeout of 10us");
}

// Two tasks that wait for each other, beside main, which goes on.
TEST(ProgressCheckerTest, SaysWhatIsStuckInATrialThatIsTooSlow) {
  SyncTrial trial;
  trial.New(11, "lock", 1, "/x/workload.py:3 in main");
  trial.New(12, "lock", 1, "/x/workload.py:4 in main");
  trial.Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
  trial.Sync(20, 2, "acquire", 11).Sync(21, 3, "acquire", 12);
  trial.Wait(30, 2, "lock", 12).Wait(31, 3, "lock", 11).Wait(40, 1, "sleep", 0);
  trial.Wake(9000, 1, "sleep");
  EXPECT_EQ(CheckTimeout(trial).reason,
            "too slow: it still progressed at its timeout of 10us; but a waits for the lock made at "
            "workload.py:4 that b holds, b waits for the lock made at workload.py:3 that a holds: "
            "the check 'deadlock' makes that a failure");
}

const Json kRefused = {{"error", "ConnectionRefusedError"}, {"family", "refused"}, {"errno", 111}};

// A client that tries again and again to reach a server that a fault has ended.
TEST(ProgressCheckerTest, SaysWhatFailsInATrialThatIsTooSlow) {
  TrialBuilder trial;
  trial.Op(1, "fetch", 10, 20).Operation(EventKind::kFail, 1, "fetch", 7000, 7400);
  trial.Operation(EventKind::kFail, 1, "connect", 7600, 7700, nullptr, kRefused);
  trial.Operation(EventKind::kFail, 1, "fetch", 7800, 7900, nullptr, kRefused);
  EXPECT_EQ(CheckTimeout(trial).reason,
            "too slow: it still progressed at its timeout of 10us; but from 7.5us on none of 2 "
            "operations was acknowledged, the last, fetch, failed: refused (errno 111)");
}

TEST(ProgressCheckerTest, SaysWhichCheckMakesAStandstillAfterAFaultAFailure) {
  TrialBuilder trial;
  trial.Add(EventKind::kFault, 10, "cut", {{"do", {{"reset", true}}}});
  trial.Operation(EventKind::kFail, 1, "fetch", 7800, 7900, nullptr, kRefused);
  EXPECT_THAT(CheckTimeout(trial).reason,
              testing::EndsWith("the last, fetch, failed: refused (errno 111): the check "
                                "'invariant' makes that a failure"));
}

TEST(ProgressCheckerTest, SaysNothingOfFailuresAmongWhatIsAcknowledged) {
  TrialBuilder trial;
  trial.Operation(EventKind::kFail, 1, "fetch", 7800, 7900, nullptr, kRefused);
  trial.Op(1, "fetch", 7950, 8000);
  EXPECT_EQ(CheckTimeout(trial).reason, "too slow: it still progressed at its timeout of 10us");
}

TEST(ProgressCheckerTest, SaysWhichFaultsOfAHungTrialWereNeverApplied) {
  const Json all = {{{"name", "cut"}}, {{"name", "cancel"}}};
  TrialBuilder trial;
  trial.Cell({{"id", "cell"}, {"fault_plan", {{"name", "two"}, {"all", all}}}});
  trial.Add(EventKind::kFault, 10, "cut").Observe("x", 1, 7500);
  const std::string message = CheckTimeout(trial).findings.at(0).message;
  EXPECT_THAT(message, testing::EndsWith("; the fault 'cancel' was never applied"));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("'cut'")));
}

// What was recorded no more may have happened.
TEST(ProgressCheckerTest, CannotDecideWhereEventsAreMissing) {
  TrialBuilder trial;
  trial.Observe("x", 1, 7500).Watched({.damage = "the last part is missing"});
  const CheckResult result = CheckTimeout(trial);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason,
            "it ran out of its time, and whether it still progressed is not known: the history is "
            "damaged");
}

TEST(ProgressCheckerTest, CannotDecideWhereTheTimeoutIsMissing) {
  const auto judge = [](const Json& timeout) {
    return TrialBuilder()
        .Exit("timeout", {{"timeout_ns", timeout}}, kTimeout + 50)
        .Check(ProgressChecker())
        .verdict;
  };
  EXPECT_EQ(judge(0), Verdict::kUnknown);
  EXPECT_EQ(judge(nullptr), Verdict::kUnknown);
  EXPECT_EQ(judge(1), Verdict::kFail);
}

// On threads nothing else says that a task runs again, which on a hub is a switch.
TEST(ProgressCheckerTest, CountsTheEndOfASleepAsTheSwitchThatItIs) {
  const auto judge = [](int64_t woken) {
    return CheckTimeout(TrialBuilder().Add(EventKind::kWake, woken, "sleep")).verdict;
  };
  EXPECT_EQ(judge(7501), Verdict::kUnknown);
  EXPECT_EQ(judge(7500), Verdict::kFail);
}

// An accept() that fails at once, again and again, lets nobody run.
TEST(ProgressCheckerTest, CountsMovedBytesAsProgressButNotAnEmptyWait) {
  const auto judge = [](const Json& bytes) {
    return CheckTimeout(TrialBuilder().Add(EventKind::kWake, 9000, "recv", bytes)).verdict;
  };
  EXPECT_EQ(judge(5), Verdict::kUnknown);
  EXPECT_EQ(judge(0), Verdict::kFail);
  EXPECT_EQ(judge(nullptr), Verdict::kFail);
}

TEST(ProgressCheckerTest, CountsNoWaitThatOnlyBegins) {
  EXPECT_EQ(CheckTimeout(TrialBuilder().Add(EventKind::kWait, 9000, "sleep")).verdict,
            Verdict::kFail);
}

TEST(ProgressCheckerTest, IgnoresWhatTheDumpOfTheStacksWakes) {
  EXPECT_EQ(CheckTimeout(TrialBuilder().Add(EventKind::kSwitch, kTimeout + 1, "")).verdict,
            Verdict::kFail);
}

TEST(ProgressCheckerTest, NamesTheTasksAndWhatTheyWaitFor) {
  const CheckResult result = CheckTimeout(TrialBuilder()
                                              .Task(2, "1.1", "reader", 10)
                                              .Task(3, "1.2", "done", 10)
                                              .Add(EventKind::kWait, 20, "recv", nullptr, 2, 1)
                                              .TaskEnd(3, 30)
                                              .Add(EventKind::kWait, 40, "join", nullptr, 1, 1));
  EXPECT_EQ(result.reason,
            "no progress from 0.03us to the timeout of 10us: 2 unfinished tasks (main in join, "
            "reader in recv)");
  EXPECT_EQ(result.findings.at(0).participants.size(), 2U);
}

TEST(ProgressCheckerTest, SaysThatTheWorkloadDidNotFinishLoading) {
  const auto expected = [](const std::string& last) {
    return "the workload did not finish loading (importing it, or its static initialisers): no "
           "progress from " +
           last + " to the timeout of 10us: 1 unfinished task (main in load)";
  };
  EXPECT_EQ(CheckTimeout(TrialBuilder().Add(EventKind::kWait, 20, "load", nullptr, 1)).reason,
            expected("0us"));
  TrialBuilder nested;
  nested.Add(EventKind::kWait, 20, "load", nullptr, 1)
      .Add(EventKind::kWait, 30, "sleep", nullptr, 1);
  nested.Add(EventKind::kWake, 40, "sleep", nullptr, 1);
  EXPECT_EQ(CheckTimeout(nested).reason, expected("0.04us"));
  TrialBuilder loaded;
  loaded.Add(EventKind::kWait, 20, "load", nullptr, 1)
      .Add(EventKind::kWake, 30, "load", nullptr, 1);
  EXPECT_THAT(CheckTimeout(loaded).reason, ::testing::Not(::testing::HasSubstr("load")));
}

TEST(ProgressCheckerTest, NamesTheTestOfACommandThatDidNotEnd) {
  const auto hung = [](const Json& command) {
    TrialBuilder trial;
    trial.Cell({{"id", "cell"}, {"scenario", "command"}, {"command", command}});
    trial.Op(1, "test", 10, 20, "suite.py::test_ends")
        .OpenOp(1, "test", 30, "suite.py::test_hangs");
    trial.OpenOp(1, "test", kTimeout + 10, "suite.py::test_too_late");
    return CheckTimeout(trial);
  };
  EXPECT_THAT(hung(Json::array({"pytest"})).reason,
              ::testing::EndsWith("; not ended: suite.py::test_hangs"));
  EXPECT_THAT(hung(nullptr).reason, ::testing::Not(::testing::HasSubstr("not ended")));
}

TEST(ProgressCheckerTest, NamesTasksThatOnlyTheDumpOfTheStacksWoke) {
  const auto reader = [](int64_t woken) {
    TrialBuilder trial;
    trial.Task(2, "1.1", "reader", 10).Add(EventKind::kWait, 20, "recv", nullptr, 2, 1);
    trial.Add(EventKind::kWake, woken, "recv", nullptr, 2, 1).TaskEnd(2, woken + 1);
    return CheckTimeout(trial.Add(EventKind::kWait, 40, "join", nullptr, 1, 1));
  };
  EXPECT_TRUE(reader(kTimeout + 1).reason.ends_with("(main in join, reader in recv)"));
  EXPECT_TRUE(reader(100).reason.ends_with("(main in join)"));
  EXPECT_NE(reader(kTimeout + 1).findings.at(0).signature, reader(100).findings.at(0).signature);
}

TEST(ProgressCheckerTest, SaysWhenOnlyTheProcessHangs) {
  const CheckResult result =
      CheckTimeout(TrialBuilder().Observe("x", 1, 5).End("returned", nullptr, 6));
  EXPECT_TRUE(result.reason.starts_with("main ended, but the process did not")) << result.reason;
}

TEST(ProgressCheckerTest, DoesNotTakeAnEndAfterTheTimeoutForOne) {
  const CheckResult result =
      CheckTimeout(TrialBuilder().Observe("x", 1, 5).End("returned", nullptr, kTimeout + 1));
  EXPECT_TRUE(result.reason.starts_with("no progress from")) << result.reason;
}

TEST(ProgressCheckerTest, GivesParticipantsTheirStacks) {
  const CheckResult result =
      CheckTimeout(TrialBuilder()
                       .Task(2, "1.1", "reader", 10)
                       .Stacks("Task reader (parked, outermost first):\n  File \"/x/workload.py\", "
                               "line 12, in reader\n"));
  EXPECT_EQ(result.findings.at(0).participants.at(1).stack,
            std::vector<std::string>{"/x/workload.py:12 in reader"});
}

TEST(ProgressCheckerTest, TellsThreadsFromTasks) {
  const CheckResult result = CheckTimeout(TrialBuilder().Stacks(
      "Thread 0x12 (most recent call first):\n  File \"w.py\", line 1 in f\n"));
  const std::vector<Participant>& participants = result.findings.at(0).participants;
  ASSERT_EQ(participants.size(), 2U);
  EXPECT_EQ(participants[1].task, "");
  EXPECT_EQ(NameOf(participants[1]), "thread 18");
}

TEST(ProgressCheckerTest, SaysWhoHoldsWhatATaskWaitsFor) {
  SyncTrial trial;
  trial.New(11, "lock", 1, "/x/w.py:3 in main").Task(2, "1.1", "a", 10);
  trial.Sync(20, 2, "acquire", 11).Wait(30, 1, "lock", 11);
  const CheckResult result = CheckTimeout(trial);
  EXPECT_TRUE(result.reason.ends_with(
      "2 unfinished tasks (main waits for the lock made at w.py:3 that a holds, a)"))
      << result.reason;
  EXPECT_EQ(result.findings.at(0).evidence["graph"]["tasks"][0]["object"]["holders"], Json({"a"}));
}

TEST(ProgressCheckerTest, SaysWhyNoneCanGoOnAndKeepsItsSignature) {
  const auto hang = [](Json lock) {
    SyncTrial trial;
    trial.New(11, "lock").Task(2, "1.1", "a", 10).Sync(20, 1, "acquire", 11);
    trial.Add(EventKind::kWait, 30, "lock", std::move(lock), 2, 1)
        .Add(EventKind::kWait, 40, "join", 2);
    return CheckTimeout(trial);
  };
  EXPECT_TRUE(hang(11).reason.ends_with(
      "2 unfinished tasks; main waits for the end of a, a waits for the lock that main holds"))
      << hang(11).reason;
  EXPECT_EQ(hang(11).findings.at(0).signature, hang(nullptr).findings.at(0).signature);
}

// With or without stacks, in whatever runtime: the waits make the signature.
TEST(ProgressCheckerTest, HasOneSignatureForOneSetOfWaits) {
  const auto hang = [](const std::string& name, const std::string& wait,
                       const std::string& stacks) {
    return CheckTimeout(TrialBuilder()
                            .Task(2, "1.1", name, 10)
                            .Add(EventKind::kWait, 20, wait, nullptr, 2, 1)
                            .Stacks(stacks))
        .findings.at(0)
        .signature;
  };
  const std::string signature = hang("reader-1", "recv", "");
  EXPECT_EQ(hang("reader-7", "recv",
                 "Thread 0x12 (most recent call first):\n  File \"w.py\", line 1 in f\n"),
            signature);
  EXPECT_NE(hang("reader-1", "lock", ""), signature);
}

TEST(ProgressCheckerTest, CannotDecideWithoutAnExit) {
  EXPECT_EQ(RunChecker(ProgressChecker(), TrialBuilder().View(), {}).verdict, Verdict::kUnknown);
}

}  // namespace
}  // namespace trireme
