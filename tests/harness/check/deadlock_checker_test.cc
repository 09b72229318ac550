#include "harness/check/deadlock_checker.h"

#include "tests/harness/check/sync_trial.h"

namespace trireme {
namespace {

constexpr int64_t kHungAt = 10'000;

CheckResult CheckHung(SyncTrial& trial) {
  trial.Exit("timeout", {{"timeout_ns", kHungAt}}, kHungAt + 50);
  return trial.Check(DeadlockChecker());
}

// main joins a and b, of which each has one lock and waits for the other's.
SyncTrial TwoLocks() {
  SyncTrial trial;
  trial.New(11, "lock", 1, "/x/workload.py:3 in main")
      .New(12, "lock", 1, "/x/workload.py:4 in main");
  trial.Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
  trial.Sync(20, 2, "acquire", 11).Sync(21, 3, "acquire", 12);
  trial.Wait(30, 2, "lock", 12).Wait(31, 3, "lock", 11).Wait(40, 1, "join", 2);
  return trial;
}

TEST(DeadlockCheckerTest, RejectsTasksThatHoldEachOthersLocks) {
  SyncTrial trial = TwoLocks();
  const CheckResult result = CheckHung(trial);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason,
            "a waits for the lock made at workload.py:4 that b holds, b waits for the lock made at "
            "workload.py:3 that a holds");
  ASSERT_EQ(result.findings.size(), 1U);
  EXPECT_EQ(result.findings[0].participants.size(), 2U);
  EXPECT_EQ(result.findings[0].evidence["tasks"].size(), 3U);  // main is stuck behind them
}

TEST(DeadlockCheckerTest, AcceptsALockThatWasReleasedOneTickBefore) {
  SyncTrial trial = TwoLocks();
  trial.Sync(kHungAt, 3, "release", 12);
  EXPECT_EQ(CheckHung(trial).verdict, Verdict::kPass);
  SyncTrial late = TwoLocks();
  late.Sync(kHungAt + 1, 3, "release", 12);
  EXPECT_EQ(CheckHung(late).verdict, Verdict::kFail);
}

TEST(DeadlockCheckerTest, AcceptsAWaitThatEndedBeforeTheTimeout) {
  SyncTrial trial = TwoLocks();
  trial.Add(EventKind::kWake, kHungAt, "lock", nullptr, 2, 30);
  EXPECT_EQ(CheckHung(trial).verdict, Verdict::kPass);
}

// That a timeout ends the wait of `a`, which begins at 30.
SyncTrial TwoLocksUntil(int64_t deadline) {
  SyncTrial trial = TwoLocks();
  trial.Add(EventKind::kDeadline, 29, "lock", deadline - 29, 2, 1);
  return trial;
}

TEST(DeadlockCheckerTest, AcceptsAWaitThatATimeoutMayStillEnd) {
  constexpr int64_t kTooLong = kHungAt - kHungAt / 4;
  SyncTrial soon = TwoLocksUntil(kTooLong + 1);
  EXPECT_EQ(CheckHung(soon).verdict, Verdict::kPass);
  SyncTrial never = TwoLocksUntil(kTooLong);  // it did not
  EXPECT_EQ(CheckHung(never).verdict, Verdict::kFail);
}

TEST(DeadlockCheckerTest, AcceptsATimeoutThatEndsAWaitAfterMain) {
  SyncTrial trial = TwoLocksUntil(5000);
  trial.Add(EventKind::kWake, 50, "join", nullptr, 1, 40);
  EXPECT_EQ(trial.Check(DeadlockChecker()).verdict, Verdict::kPass);
}

TEST(DeadlockCheckerTest, TakesATimeoutForThatOfOneWait) {
  SyncTrial trial = TwoLocksUntil(kHungAt);
  trial.Add(EventKind::kWake, 60, "lock", nullptr, 2, 1);
  trial.Wait(61, 2, "lock", 12);
  EXPECT_EQ(CheckHung(trial).verdict, Verdict::kFail);
}

TEST(DeadlockCheckerTest, FindsACycleOfATrialThatEnded) {
  SyncTrial trial = TwoLocks();
  trial.Add(EventKind::kWake, 50, "join", nullptr, 1, 40);
  EXPECT_EQ(trial.Check(DeadlockChecker()).verdict, Verdict::kFail);
}

TEST(DeadlockCheckerTest, HasOneSignatureForOneBug) {
  const auto signature = [](const std::string& name, const std::string& place, bool hung) {
    SyncTrial trial;
    trial.New(11, "lock", 1, place).New(12, "lock", 1, place);
    trial.Task(2, "1.1", name + "-1", 10).Task(3, "1.2", name + "-2", 10);
    trial.Sync(20, 2, "acquire", 11).Sync(21, 3, "acquire", 12);
    trial.Wait(30, 2, "lock", 12).Wait(31, 3, "lock", 11);
    trial.Stacks(hung ? "Task " + name + "-1 (parked):\n  File \"/w.py\", line 1 in f\n" : "");
    return CheckHung(trial).findings.at(0).signature;
  };
  EXPECT_EQ(signature("worker", "/x/w.py:3 in main", true),
            signature("worker", "/y/w.py:4 in main", false));
  EXPECT_NE(signature("worker", "", false), signature("reader", "", false));
}

TEST(DeadlockCheckerTest, ReportsEachCycleOnce) {
  SyncTrial trial = TwoLocks();
  trial.New(13, "rlock").Task(4, "1.3", "c", 10).Task(5, "1.4", "d", 10);
  trial.Sync(20, 4, "acquire", 13).Wait(30, 4, "join", 5).Wait(31, 5, "lock", 13);
  const CheckResult result = CheckHung(trial);
  ASSERT_EQ(result.findings.size(), 2U);
  EXPECT_EQ(result.findings[1].message,
            "c waits for the end of d, d waits for the rlock that c holds");
}

// F13: a lock is held while its holder waits for workers that need it.
TEST(DeadlockCheckerTest, RejectsAJoinUnderALockThatTheTaskNeeds) {
  const auto trial = [](bool released) {
    SyncTrial it;
    it.New(11, "lock").Task(2, "1.1", "worker", 10).Sync(20, 1, "acquire", 11);
    it.Wait(30, 2, "lock", 11);
    if (released) it.Sync(39, 1, "release", 11);
    it.Wait(40, 1, "join", 2);
    return CheckHung(it).verdict;
  };
  EXPECT_EQ(trial(false), Verdict::kFail);
  EXPECT_EQ(trial(true), Verdict::kPass);
}

// F14: a parent in a pool of one waits for a child of the same pool.
TEST(DeadlockCheckerTest, RejectsAParentThatWaitsForAChildInItsFullPool) {
  const auto trial = [](int64_t size) {
    SyncTrial it;
    it.New(11, "pool", size).Task(2, "1.1", "parent", 10).Task(3, "1.1.1", "child", 20);
    it.Sync(15, 2, "acquire", 11).Wait(20, 3, "pool-place", 11).Wait(30, 2, "join", 3);
    it.Wait(40, 1, "join", 2);
    return CheckHung(it);
  };
  EXPECT_EQ(
      trial(1).reason,
      "parent waits for the end of child, child waits for a place of the pool that parent holds");
  EXPECT_EQ(trial(2).verdict, Verdict::kPass);
}

// Both tasks of a pool are stuck; main waits for `kind` of it.
CheckResult StuckPool(const std::string& kind, int64_t size) {
  SyncTrial trial;
  trial.New(11, "pool", size).New(12, "event").Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
  trial.Sync(20, 2, "acquire", 11).Sync(20, 3, "acquire", 11);
  trial.Wait(30, 2, "join", 3).Wait(30, 3, "event", 12).Wait(40, 1, kind, 11);
  return CheckHung(trial);
}

TEST(DeadlockCheckerTest, TakesWhoJoinsAPoolForOneThatWaitsForAllOfIt) {
  const std::string stuck = "b waits for the event, and nobody is left who could end that";
  EXPECT_EQ(StuckPool("pool-join", 4).reason, stuck);
  EXPECT_EQ(StuckPool("pool-join", 2).reason, stuck);
}

TEST(DeadlockCheckerTest, TakesWhoSubmitsToAPoolForOneThatWaitsForAnyPlace) {
  EXPECT_EQ(StuckPool("pool", 4).verdict, Verdict::kPass);  // it goes on, and may set the event
  EXPECT_EQ(StuckPool("pool", 2).verdict, Verdict::kFail);
}

// One of two in a pool ends by itself: that is enough for a submitter, and not for who joins it.
TEST(DeadlockCheckerTest, TellsAPlaceOfAPoolFromAllOfIt) {
  const auto trial = [](const std::string& kind) {
    SyncTrial it;
    it.New(11, "pool", 2).New(12, "lock").Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
    it.Sync(20, 2, "acquire", 11).Sync(20, 3, "acquire", 11).Sync(20, 1, "acquire", 12);
    it.Wait(30, 2, "lock", 12).Wait(30, 3, "recv", 0).Wait(40, 1, kind, 11);
    return CheckHung(it);
  };
  EXPECT_EQ(trial("pool").verdict, Verdict::kPass);
  EXPECT_EQ(
      trial("pool-join").reason,
      "main waits for the end of all in the pool that a holds and b holds, a waits for the lock that "
      "main holds");
}

TEST(DeadlockCheckerTest, RejectsATaskThatJoinsItsOwnPool) {
  SyncTrial trial;
  trial.New(11, "pool", 4).Task(2, "1.1", "a", 10).Sync(20, 2, "acquire", 11);
  trial.Wait(30, 2, "pool-join", 11).Wait(40, 1, "join", 2);
  EXPECT_EQ(CheckHung(trial).reason, "a waits for the end of all in the pool that itself holds");
}

TEST(DeadlockCheckerTest, RejectsALockThatATaskTookWithItAsItEnded) {
  SyncTrial trial;
  trial.New(11, "lock").Task(2, "1.1", "a", 10).Sync(20, 2, "acquire", 11);
  trial.Wait(30, 1, "lock", 11).TaskEnd(2, 40);
  EXPECT_EQ(CheckHung(trial).reason, "main waits for the lock that a held when it ended");
}

TEST(DeadlockCheckerTest, AcceptsALockThatATaskReleasedBeforeItEnded) {
  SyncTrial trial;
  trial.New(11, "lock").Task(2, "1.1", "a", 10).Sync(20, 2, "acquire", 11);
  trial.Wait(30, 1, "lock", 11).Sync(39, 2, "release", 11).TaskEnd(2, 40);
  EXPECT_EQ(CheckHung(trial).verdict, Verdict::kPass);
}

TEST(DeadlockCheckerTest, CountsHowOftenAnRLockIsHeld) {
  const auto releases = [](int count) {
    SyncTrial it;
    it.New(11, "rlock").Task(2, "1.1", "a", 10);
    it.Sync(20, 2, "acquire", 11).Sync(21, 2, "acquire", 11).Wait(30, 1, "lock", 11);
    for (int i = 0; i < count; ++i) it.Sync(31 + i, 2, "release", 11);
    it.TaskEnd(2, 40);
    return CheckHung(it).verdict;
  };
  EXPECT_EQ(releases(1), Verdict::kFail);
  EXPECT_EQ(releases(2), Verdict::kPass);
}

// Nothing but a task of the trial sets an event: one that still runs may, or that waits for bytes.
TEST(DeadlockCheckerTest, RejectsAnEventThatNobodyIsLeftToSet) {
  const auto other = [](const std::string& wait) {
    SyncTrial it;
    it.New(11, "event").Task(2, "1.1", "a", 10).Wait(30, 1, "event", 11);
    if (wait == "none") return CheckHung(it).verdict;
    if (wait == "ended") return CheckHung(it.TaskEnd(2, 31)).verdict;
    return CheckHung(it.Wait(31, 2, wait, wait == "join" ? 1 : 0)).verdict;
  };
  EXPECT_EQ(other("ended"), Verdict::kFail);
  EXPECT_EQ(other("join"), Verdict::kFail);
  EXPECT_EQ(other("none"), Verdict::kPass);
  EXPECT_EQ(other("recv"), Verdict::kPass);
  EXPECT_EQ(other("sleep"), Verdict::kPass);
}

TEST(DeadlockCheckerTest, LeavesWorkersWithoutWorkToTheLeakCheck) {
  SyncTrial trial;
  trial.New(11, "queue").Task(2, "1.1", "worker", 10).Wait(20, 2, "queue-get", 11).TaskEnd(1, 900);
  EXPECT_EQ(trial.Check(DeadlockChecker()).verdict, Verdict::kPass);
}

TEST(DeadlockCheckerTest, AcceptsAQueueWithAnItemAndRejectsAnEmptyOne) {
  const auto items = [](int64_t left) {
    SyncTrial it;
    it.New(11, "queue").Task(2, "1.1", "a", 10).Sync(20, 2, "put", 11, left).TaskEnd(2, 25);
    return CheckHung(it.Wait(30, 1, "queue-get", 11)).verdict;
  };
  EXPECT_EQ(items(1), Verdict::kPass);
  EXPECT_EQ(items(0), Verdict::kFail);
}

TEST(DeadlockCheckerTest, TakesALockThatOthersReleaseForASignal) {
  SyncTrial trial;
  trial.New(11, "lock").New(12, "lock").Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
  trial.Sync(20, 2, "acquire", 11).Sync(21, 3, "release", 11).Sync(22, 2, "acquire", 11);
  trial.Wait(30, 2, "lock", 11).Wait(40, 1, "join", 2);
  EXPECT_EQ(CheckHung(trial).verdict, Verdict::kPass);  // b runs, and may release it again
}

TEST(DeadlockCheckerTest, RejectsSemaphoresThatTheirHoldersWaitForInAHungTrial) {
  const auto trial = [](bool main_lives) {
    SyncTrial it;
    it.New(11, "semaphore", 1).New(12, "semaphore", 1);
    it.Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
    it.Sync(20, 2, "acquire", 11).Sync(21, 3, "acquire", 12);
    it.Wait(30, 2, "semaphore", 12).Wait(31, 3, "semaphore", 11);
    if (!main_lives) it.Wait(40, 1, "join", 2);
    return CheckHung(it);
  };
  EXPECT_EQ(
      trial(false).reason,
      "a waits for a permit of the semaphore that b holds, b waits for a permit of the semaphore "
      "that a holds");
  EXPECT_EQ(trial(true).verdict, Verdict::kPass);  // main may release one
}

TEST(DeadlockCheckerTest, TellsAConditionsLockFromItsNotification) {
  const auto trial = [](bool waits) {
    SyncTrial it;
    it.New(11, "condition").Task(2, "1.1", "a", 10).Sync(20, 2, "acquire", 11);
    if (waits) it.Sync(25, 2, "wait", 11);
    it.Wait(26, 2, waits ? "condition" : "join", waits ? 11 : 1).Wait(30, 1, "condition", 11);
    return CheckHung(it);
  };
  EXPECT_EQ(trial(true).verdict, Verdict::kPass);  // main gets the lock
  EXPECT_EQ(trial(false).reason,
            "main waits for the lock of the condition that a holds, a waits for the end of main");
}

// F50: a child of fork() has its parent's locks, but not the task that holds one.
TEST(DeadlockCheckerTest, RejectsALockThatAnotherTaskHeldWhenTheProcessWasForked) {
  const auto forked = [](int64_t acquired, int64_t fork) {
    SyncTrial it;
    it.New(11, "lock").Task(2, "1.1", "holder", 10).Sync(acquired, 2, "acquire", 11);
    it.AddIn(200, EventKind::kProcess, fork, "", nullptr, 1, 100);
    it.Sync(40, 2, "release", 11).TaskEnd(2, 45);
    it.AddIn(200, EventKind::kWait, 50, "lock", 11, 1, 1);
    return CheckHung(it.Wait(60, 1, "subprocess", 0));
  };
  EXPECT_EQ(forked(20, 21).reason,
            "main of process 200 waits for the lock that holder held when the process was forked");
  EXPECT_EQ(forked(22, 21).verdict, Verdict::kPass);
}

TEST(DeadlockCheckerTest, GivesACancelledTaskTimeToStop) {
  const auto cancelled = [](int64_t time) {
    SyncTrial trial = TwoLocks();
    trial.Add(EventKind::kCancel, time, "", nullptr, 1, 2);
    return CheckHung(trial).verdict;
  };
  EXPECT_EQ(cancelled(7'501), Verdict::kPass);
  EXPECT_EQ(cancelled(7'500), Verdict::kFail);
}

TEST(DeadlockCheckerTest, CannotDecideWithoutAnExit) {
  EXPECT_EQ(RunChecker(DeadlockChecker(), SyncTrial().View(), {}).verdict, Verdict::kUnknown);
}

TEST(DeadlockCheckerTest, CannotDecideWhereNoTaskWaitedForAnother) {
  EXPECT_EQ(SyncTrial().Wait(10, 1, "recv", 5).Check(DeadlockChecker()).reason,
            "no task waited for another");
}

TEST(DeadlockCheckerTest, CannotDecideWhereTheRuntimeDidNotRecordWhatIsWaitedFor) {
  SyncTrial trial;
  trial.Task(2, "1.1", "a", 10).Wait(20, 1, "lock", 0);
  EXPECT_EQ(CheckHung(trial).reason, "a task waits to the end for what its runtime did not record");
  SyncTrial woken;
  woken.Wait(20, 1, "lock", 0).Add(EventKind::kWake, 30, "lock");
  EXPECT_EQ(CheckHung(woken).reason, "what tasks waited for was not recorded");
}

// main has one end of a connection and server the other; each waits for bytes of its own.
SyncTrial TwoEnds(const std::string& wait = "recv", int64_t since = 40,
                  const std::string& there = "127.0.0.1:4") {
  SyncTrial trial;
  trial.New(11, "stream", 0, "/x/workload.py:3 in main").Task(2, "1.1", "server", 10);
  trial.New(12, "stream", 0, "/x/workload.py:9 in serve");
  trial.Sync(20, 1, "connected", 11, "127.0.0.1:5 " + there);
  trial.Sync(21, 2, "connected", 12, "127.0.0.1:4 127.0.0.1:5");
  trial.Sync(30, 1, "read", 11).Wait(31, 1, wait, 11);
  trial.Sync(since - 1, 2, "read", 12).Wait(since, 2, wait, 12);
  return trial;
}

TEST(DeadlockCheckerTest, RejectsTwoEndsOfAConnectionThatBothListen) {
  SyncTrial trial = TwoEnds();
  EXPECT_EQ(CheckHung(trial).reason,
            "main waits for bytes of the stream made at workload.py:3, whose other end server has, "
            "server waits for bytes of the stream made at workload.py:9, whose other end main has");
  SyncTrial full = TwoEnds("send");
  EXPECT_EQ(CheckHung(full).reason,
            "main waits for room in the stream made at workload.py:3, whose other end server has, "
            "server waits for room in the stream made at workload.py:9, whose other end main has");
}

TEST(DeadlockCheckerTest, AcceptsTwoEndsOfAConnectionOfWhichOneMaySpeak) {
  SyncTrial ended = TwoEnds();  // main's wait is over, in a trial that did not run out of time
  ended.Wake(50, 1, "recv");
  EXPECT_EQ(ended.Check(DeadlockChecker()).verdict, Verdict::kPass);
  SyncTrial on_the_way = TwoEnds("recv", kHungAt - kHungAt / 4);
  EXPECT_EQ(CheckHung(on_the_way).verdict, Verdict::kPass);
  SyncTrial third = TwoEnds();
  third.Task(3, "1.2", "third", 10);
  EXPECT_EQ(CheckHung(third).verdict, Verdict::kPass);
  SyncTrial closed = TwoEnds();
  closed.Sync(50, 1, "close", 11);
  EXPECT_EQ(CheckHung(closed).verdict, Verdict::kPass);
  SyncTrial elsewhere = TwoEnds("recv", 40, "127.0.0.1:9");
  EXPECT_EQ(CheckHung(elsewhere).verdict, Verdict::kUnknown);  // nobody waited for another task
}

TEST(DeadlockCheckerTest, SaysNothingOfBytesThatMayStillCome) {
  SyncTrial held_back = TwoEnds();
  held_back.Add(EventKind::kFault, 50, "stall", {{"do", {{"stall", nullptr}}}}, 1, 1);
  EXPECT_EQ(CheckHung(held_back).verdict, Verdict::kUnknown);
  SyncTrial forked = TwoEnds();
  forked.AddIn(9, EventKind::kProcess, 50, "fork", nullptr, 1, 1);
  EXPECT_EQ(CheckHung(forked).verdict, Verdict::kUnknown);
}

TEST(DeadlockCheckerTest, RejectsAnEndThatWasLeftOpen) {
  SyncTrial trial = TwoEnds();
  trial.TaskEnd(2, 60);
  EXPECT_EQ(CheckHung(trial).reason,
            "main waits for bytes of the stream made at workload.py:3, whose other end server had "
            "and did not close, and nobody is left who could end that");
}

TEST(DeadlockCheckerTest, TellsOfNoIdleServerBesideWhatHungTheTrial) {
  SyncTrial trial = TwoLocks();
  trial.New(21, "stream").New(22, "stream");
  trial.Task(4, "1.3", "handler", 10).Task(5, "1.4", "client", 10);
  trial.Sync(20, 4, "connected", 21, "#21 #22").Sync(20, 5, "connected", 22, "#22 #21");
  trial.Sync(30, 4, "read", 21).Wait(31, 4, "recv", 21).TaskEnd(5, 60);
  EXPECT_EQ(CheckHung(trial).findings.size(), 1U);
}

TEST(DeadlockCheckerTest, RejectsACircleOfALockAndAStream) {
  SyncTrial trial = TwoEnds();
  trial.New(13, "lock", 1, "/x/workload.py:5 in main");
  trial.Sync(22, 1, "acquire", 13).Wake(45, 2, "recv").Wait(46, 2, "lock", 13);
  EXPECT_EQ(CheckHung(trial).reason,
            "main waits for bytes of the stream made at workload.py:3, whose other end server has, "
            "server waits for the lock made at workload.py:5 that main holds");
}

TEST(DeadlockCheckerTest, TakesWhoMadeAnEndForItsUserUntilSomebodyUsesIt) {
  SyncTrial trial;
  trial.New(11, "stream").New(12, "stream");
  trial.Sync(20, 1, "connected", 11, "#11 #12").Sync(20, 1, "connected", 12, "#12 #11");
  trial.Sync(30, 1, "read", 11).Wait(31, 1, "recv", 11);
  EXPECT_EQ(CheckHung(trial).reason,
            "main waits for bytes of the stream, whose other end itself has");
}

// As the adapter of a watched program takes it: each of a and b has one lock and waits for the other's.
Json SnapshotOfTwoLocks() {
  const auto task = [](int number, int object) {
    return Json{{"task", number},
                {"thread", 70 + number},
                {"stack", {"/x/program.py:9 in work"}},
                {"wait", {{"kind", "lock"}, {"object", object}, {"for_ns", 5}}}};
  };
  const auto lock = [](int holder) {
    return Json{{"kind", "lock"},
                {"place", "/x/program.py:3 in main"},
                {"size", 1},
                {"holders", {{{"task", holder}, {"place", "/x/program.py:8 in work"}}}}};
  };
  return {{"tasks", {task(2, 0), task(3, 1)}}, {"objects", {lock(3), lock(2)}}, {"others", true}};
}

SyncTrial Watched() {
  SyncTrial trial;
  trial.Cell({{"id", "watch"}, {"scenario", "program"}, {"watched", true}});
  trial.Task(2, "", "a", 10).Task(3, "", "b", 10);
  return trial;
}

TEST(DeadlockCheckerTest, RejectsAWatchedProgramAtEachSnapshotOfIt) {
  SyncTrial trial = Watched();
  trial.Sync(20, 0, "snapshot", 0, SnapshotOfTwoLocks());
  trial.Sync(30, 0, "snapshot", 0, {{"tasks", Json::array()}});  // somebody interrupted it
  const CheckResult result = trial.Check(DeadlockChecker());
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason,
            "a waits for the lock made at program.py:3 that b holds since program.py:8, b waits for "
            "the lock made at program.py:3 that a holds since program.py:8");
  ASSERT_EQ(result.findings.size(), 1U);
  ASSERT_EQ(result.findings[0].participants.size(), 2U);
  EXPECT_EQ(result.findings[0].participants[0].thread, 72);
  EXPECT_EQ(result.findings[0].participants[0].stack,
            std::vector<std::string>{"/x/program.py:9 in work"});
}

TEST(DeadlockCheckerTest, AcceptsASnapshotOfOneThatWaitsForWhoGoesOn) {
  SyncTrial trial = Watched();
  Json snapshot = SnapshotOfTwoLocks();
  snapshot["tasks"][1].erase("wait");
  trial.Sync(20, 0, "snapshot", 0, snapshot);
  EXPECT_EQ(trial.Check(DeadlockChecker()).verdict, Verdict::kPass);
}

TEST(DeadlockCheckerTest, RejectsASnapshotWithNobodyElseLeft) {
  for (const bool others : {true, false}) {
    SyncTrial trial = Watched();
    Json snapshot = SnapshotOfTwoLocks();
    snapshot["objects"] = {{{"kind", "queue"}, {"items", 0}}};
    for (Json& task : snapshot["tasks"]) task["wait"] = {{"kind", "queue-get"}, {"object", 0}};
    snapshot["others"] = others;
    trial.Sync(20, 0, "snapshot", 0, snapshot);
    EXPECT_EQ(trial.Check(DeadlockChecker()).verdict, others ? Verdict::kPass : Verdict::kFail);
  }
}

TEST(DeadlockCheckerTest, CannotDecideOfAWatchedProgramWithoutSnapshots) {
  SyncTrial trial = Watched();
  EXPECT_EQ(trial.Check(DeadlockChecker()).verdict, Verdict::kUnknown);
}

TEST(DeadlockCheckerTest, CannotBeKilledByADamagedSnapshot) {
  for (const Json& damaged : {Json(nullptr), Json(7), Json{{"tasks", 3}, {"objects", "x"}},
                              Json{{"tasks", {1, {{"task", -1}, {"wait", {{"object", 99}}}}}}}}) {
    SyncTrial trial = Watched();
    trial.Sync(20, 0, "snapshot", 0, damaged);
    EXPECT_EQ(trial.Check(DeadlockChecker()).verdict, Verdict::kPass);
  }
}

}  // namespace
}  // namespace trireme
