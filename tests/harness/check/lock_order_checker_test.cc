#include "harness/check/lock_order_checker.h"

#include "tests/harness/check/sync_trial.h"

namespace trireme {
namespace {

// Locks 11 to 14, and tasks a (2), b (3) and c (4) that run from 10 on.
SyncTrial Locks(const std::string& kind = "lock") {
  SyncTrial trial;
  for (const int number : {11, 12, 13, 14})
    trial.New(static_cast<uint64_t>(number), kind, 1,
              "/x/w.py:" + std::to_string(number) + " in main");
  trial.Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10).Task(4, "1.3", "c", 10);
  return trial;
}

// A task takes locks one after the other, and then gives them back.
void Nest(SyncTrial& trial, int64_t time, uint32_t task, const std::vector<uint64_t>& locks) {
  for (const uint64_t lock : locks) trial.Sync(time++, task, "acquire", lock);
  for (auto lock = locks.rbegin(); lock != locks.rend(); ++lock)
    trial.Sync(time++, task, "release", *lock);
}

Verdict JudgeOrders(const std::vector<uint64_t>& first, const std::vector<uint64_t>& second) {
  SyncTrial trial = Locks();
  Nest(trial, 100, 2, first);
  Nest(trial, 200, 3, second);
  return trial.Check(LockOrderChecker()).verdict;
}

TEST(LockOrderCheckerTest, RejectsTwoOrdersOfTwoLocks) {
  SyncTrial trial = Locks();
  Nest(trial, 100, 2, {11, 12});
  Nest(trial, 200, 3, {12, 11});
  const CheckResult result = trial.Check(LockOrderChecker());
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(
      result.reason,
      "a took the lock made at w.py:11 and then the lock made at w.py:12, b took the lock made at "
      "w.py:12 and then the lock made at w.py:11: another time they may wait for each other for "
      "ever");
  EXPECT_EQ(result.findings.at(0).participants.size(), 2U);
  EXPECT_EQ(result.findings.at(0).evidence["cycle"][0]["held"]["number"], 11);
}

// a got its second lock at once, b after a wait; b had set the wait for its first a deadline, which leaves no room for a place.
TEST(LockOrderCheckerTest, SaysWhereTheLocksWereTaken) {
  SyncTrial trial = Locks();
  trial.Sync(100, 2, "acquire", 11, "/x/w.py:21 in outer").Sync(101, 2, "acquire", 12, "/x/w.py:22 in inner");
  trial.Sync(102, 2, "release", 12).Sync(103, 2, "release", 11);
  trial.Sync(200, 3, "acquire", 12, 1000).Wait(201, 3, "lock", 11);
  trial.Sync(202, 3, "acquire", 11, "/x/w.py:31 in other");
  const CheckResult result = trial.Check(LockOrderChecker());
  EXPECT_EQ(
      result.reason,
      "a took the lock made at w.py:11 (at w.py:21) and then the lock made at w.py:12 (at "
      "w.py:22), b took the lock made at w.py:12 and then the lock made at w.py:11 (at w.py:31): "
      "another time they may wait for each other for ever");
  const Finding& finding = result.findings.at(0);
  EXPECT_EQ(finding.participants.at(0).stack, std::vector<std::string>{"/x/w.py:22 in inner"});
  EXPECT_EQ(finding.participants.at(1).stack, std::vector<std::string>{"/x/w.py:31 in other"});
  EXPECT_EQ(finding.evidence["cycle"][0]["held"]["taken"], "/x/w.py:21 in outer");
  EXPECT_FALSE(finding.evidence["cycle"][1]["held"].contains("taken"));
}

TEST(LockOrderCheckerTest, AcceptsOneOrder) {
  EXPECT_EQ(JudgeOrders({11, 12}, {11, 12}), Verdict::kPass);
  EXPECT_EQ(JudgeOrders({11, 12, 13}, {11, 13}), Verdict::kPass);
}

// b takes the second lock one tick before, and one tick after, it gave the first back.
TEST(LockOrderCheckerTest, AcceptsLocksThatAreNotHeldTogether) {
  const auto judge = [](int64_t released) {
    SyncTrial trial = Locks();
    Nest(trial, 100, 2, {11, 12});
    trial.Sync(200, 3, "acquire", 12).Sync(202, 3, "acquire", 11).Sync(released, 3, "release", 12);
    return trial.Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(201), Verdict::kPass);
  EXPECT_EQ(judge(203), Verdict::kFail);
}

TEST(LockOrderCheckerTest, AcceptsOneTaskThatDoesBoth) {
  SyncTrial trial = Locks();
  Nest(trial, 100, 2, {11, 12});
  Nest(trial, 200, 2, {12, 11});
  EXPECT_EQ(trial.Check(LockOrderChecker()).verdict, Verdict::kPass);
}

TEST(LockOrderCheckerTest, AcceptsOrdersUnderAGate) {
  EXPECT_EQ(JudgeOrders({13, 11, 12}, {13, 12, 11}), Verdict::kPass);
  EXPECT_EQ(JudgeOrders({13, 11, 12}, {14, 12, 11}), Verdict::kFail);
}

// Not every order is under the gate, but each that another task has the opposite of.
TEST(LockOrderCheckerTest, JudgesTheGateOfEachPair) {
  const auto judge = [](uint32_t third) {
    SyncTrial trial = Locks();
    Nest(trial, 100, 2, {13, 11, 12});
    Nest(trial, 200, 3, {13, 12, 11});
    Nest(trial, 300, third, {11, 12});
    return trial.Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(3), Verdict::kPass);
  EXPECT_EQ(judge(4), Verdict::kFail);
}

TEST(LockOrderCheckerTest, RejectsAGateThatOneTaskLeaves) {
  SyncTrial trial = Locks();
  Nest(trial, 100, 2, {13, 11, 12});
  Nest(trial, 200, 3, {13, 12, 11});
  EXPECT_EQ(trial.Check(LockOrderChecker()).verdict, Verdict::kPass);
  Nest(trial, 300, 3, {12, 11});
  EXPECT_EQ(trial.Check(LockOrderChecker()).verdict, Verdict::kFail);
}

TEST(LockOrderCheckerTest, AcceptsTasksOfWhichOneEndedBeforeTheOtherStarted) {
  const auto judge = [](int64_t ended) {
    SyncTrial trial = Locks();
    Nest(trial, 100, 2, {11, 12});
    trial.TaskEnd(2, ended).Add(EventKind::kJoin, 150, "", nullptr, 1, 2);
    trial.Task(5, "1.4", "later", 200);
    Nest(trial, 300, 5, {12, 11});
    if (ended > 200) Nest(trial, ended - 10, 2, {11, 12});
    return trial.Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(110), Verdict::kPass);
  EXPECT_EQ(judge(450), Verdict::kFail);
}

// main takes both before it starts the task that takes them the other way, or after.
TEST(LockOrderCheckerTest, AcceptsWhatAParentDidBeforeItStartedTheChild) {
  const auto judge = [](int64_t time) {
    SyncTrial trial = Locks();
    trial.Task(5, "1.4", "child", 200);
    Nest(trial, time, 1, {11, 12});
    Nest(trial, 300, 5, {12, 11});
    return trial.Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(190), Verdict::kPass);
  EXPECT_EQ(judge(201), Verdict::kFail);
}

TEST(LockOrderCheckerTest, AcceptsAnRLockThatIsTakenAgain) {
  SyncTrial trial = Locks("rlock");
  Nest(trial, 100, 2, {11, 12, 11});
  Nest(trial, 200, 3, {11, 12});
  EXPECT_EQ(trial.Check(LockOrderChecker()).verdict, Verdict::kPass);
}

// The inner release leaves the rlock held.
TEST(LockOrderCheckerTest, CountsHowOftenAnRLockIsHeld) {
  const auto judge = [](int releases) {
    SyncTrial trial = Locks("rlock");
    Nest(trial, 100, 2, {11, 12});
    trial.Sync(200, 3, "acquire", 12).Sync(201, 3, "acquire", 12);
    for (int i = 0; i < releases; ++i) trial.Sync(202 + i, 3, "release", 12);
    return trial.Sync(210, 3, "acquire", 11).Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(1), Verdict::kFail);
  EXPECT_EQ(judge(2), Verdict::kPass);
}

TEST(LockOrderCheckerTest, RejectsACycleOfThreeLocks) {
  const auto judge = [](const std::vector<uint64_t>& third) {
    SyncTrial trial = Locks();
    Nest(trial, 100, 2, {11, 12});
    Nest(trial, 200, 3, {12, 13});
    Nest(trial, 300, 4, third);
    return trial.Check(LockOrderChecker());
  };
  EXPECT_EQ(judge({13, 11}).findings.size(), 1U);
  EXPECT_EQ(judge({11, 13}).verdict, Verdict::kPass);
}

TEST(LockOrderCheckerTest, RejectsACycleThatOneTaskOnlyWaitsIn) {
  SyncTrial trial = Locks();
  Nest(trial, 100, 2, {11, 12});
  trial.Sync(200, 3, "acquire", 12).Wait(201, 3, "lock", 11);
  EXPECT_EQ(trial.Check(LockOrderChecker()).verdict, Verdict::kFail);
}

// b comes to its second lock with a deadline over it, lets go when it is over and tries again.
TEST(LockOrderCheckerTest, AcceptsWhoComesUnderADeadline) {
  const auto judge = [](const Json& left) {
    SyncTrial trial = Locks();
    Nest(trial, 100, 2, {11, 12});
    trial.Sync(200, 3, "acquire", 12).Sync(201, 3, "acquire", 11, left);
    return trial.Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(nullptr), Verdict::kFail);
  EXPECT_EQ(judge(1000), Verdict::kPass);
  EXPECT_EQ(judge(0), Verdict::kPass);
}

TEST(LockOrderCheckerTest, AcceptsWhoWaitsUnderADeadline) {
  const auto judge = [](int64_t deadline) {
    SyncTrial trial = Locks();
    Nest(trial, 100, 2, {11, 12});
    trial.Sync(200, 3, "acquire", 12);
    if (deadline != 0) trial.Deadline(deadline, 3, 1000);
    trial.Wait(210, 3, "lock", 13).Wake(211, 3, "lock").Wait(220, 3, "lock", 11);
    return trial.Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(0), Verdict::kFail);
  EXPECT_EQ(judge(219), Verdict::kPass);
  EXPECT_EQ(judge(209), Verdict::kFail);  // it was for the wait before
}

// One deadline for the whole, set before the first lock: until then both stand still.
TEST(LockOrderCheckerTest, RejectsWhoTakesBothLocksUnderOneDeadline) {
  constexpr int64_t kSecond = 1'000'000'000;
  const auto judge = [](int64_t first_left, int64_t second_left) {
    SyncTrial trial = Locks();
    Nest(trial, 100, 2, {11, 12});
    trial.Sync(200, 3, "acquire", 12, first_left).Sync(300, 3, "acquire", 11, second_left);
    return trial.Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(kSecond, kSecond - 100), Verdict::kFail);
  EXPECT_EQ(judge(kSecond, kSecond + 50), Verdict::kFail);  // written down a little late
  EXPECT_EQ(judge(kSecond / 2, kSecond), Verdict::kFail);   // the inner one is over
  EXPECT_EQ(judge(kSecond, kSecond / 2), Verdict::kPass);
  EXPECT_EQ(judge(kSecond, INT64_MAX), Verdict::kFail);
  EXPECT_EQ(judge(INT64_MIN, 0), Verdict::kFail);
}

// What was taken under a deadline is held like everything else.
TEST(LockOrderCheckerTest, RejectsWhoHoldsWhatItTookUnderADeadline) {
  SyncTrial trial = Locks();
  trial.Sync(100, 2, "acquire", 11, 1000).Sync(101, 2, "acquire", 12);
  trial.Sync(102, 2, "release", 12).Sync(103, 2, "release", 11);
  trial.Sync(200, 3, "acquire", 12, 1000).Sync(201, 3, "acquire", 11);
  EXPECT_EQ(trial.Check(LockOrderChecker()).verdict, Verdict::kFail);
}

TEST(LockOrderCheckerTest, TakesAConditionForItsLockWhichAWaitGivesBack) {
  const auto judge = [](bool waits) {
    SyncTrial trial = Locks("condition");
    Nest(trial, 100, 2, {11, 12});
    trial.Sync(200, 3, "acquire", 12);
    if (waits) trial.Sync(201, 3, "wait", 12);
    return trial.Sync(202, 3, "acquire", 11).Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge(false), Verdict::kFail);
  EXPECT_EQ(judge(true), Verdict::kPass);
}

TEST(LockOrderCheckerTest, DoesNotTakeASemaphoreForALock) {
  SyncTrial trial = Locks("semaphore");
  Nest(trial, 100, 2, {11, 12});
  Nest(trial, 200, 3, {12, 11});
  EXPECT_EQ(trial.Check(LockOrderChecker()).reason, "no task came to a lock while it held another");
}

TEST(LockOrderCheckerTest, HasOneSignatureForTasksOfOneName) {
  const auto signature = [](const std::string& name, uint64_t first) {
    SyncTrial trial;
    trial.New(first, "lock").New(first + 1, "lock");
    trial.Task(2, "1.1", name + "-1", 10).Task(3, "1.2", name + "-22", 10);
    Nest(trial, 100, 2, {first, first + 1});
    Nest(trial, 200, 3, {first + 1, first});
    return trial.Check(LockOrderChecker()).findings.at(0).signature;
  };
  EXPECT_EQ(signature("worker", 11), signature("worker", 21));
  EXPECT_NE(signature("worker", 11), signature("reader", 11));
}

// The one task that does it the other way is the last of many.
TEST(LockOrderCheckerTest, FindsOneOfManyTasks) {
  const auto judge = [](const std::vector<uint64_t>& last) {
    SyncTrial trial;
    trial.New(11, "lock").New(12, "lock");
    for (uint32_t task = 2; task < 200; ++task) {
      trial.Task(task, "1." + std::to_string(task), "w", 10);
      Nest(trial, 100 + 10 * task, task, task == 199 ? last : std::vector<uint64_t>{11, 12});
    }
    return trial.Check(LockOrderChecker()).verdict;
  };
  EXPECT_EQ(judge({12, 11}), Verdict::kFail);
  EXPECT_EQ(judge({11, 12}), Verdict::kPass);
}

TEST(LockOrderCheckerTest, CannotDecideWhereNoTaskHeldALockAndCameToAnother) {
  EXPECT_EQ(JudgeOrders({11}, {12}), Verdict::kUnknown);
}

TEST(LockOrderCheckerTest, CannotDecideWhereATaskHeldMoreLocksThanAreFollowed) {
  const auto judge = [](uint64_t count) {
    SyncTrial trial;
    std::vector<uint64_t> locks;
    for (uint64_t lock = 1; lock <= count; ++lock) {
      trial.New(lock, "lock");
      locks.push_back(lock);
    }
    Nest(trial, 100, 1, locks);
    return trial.Check(LockOrderChecker()).reason;
  };
  EXPECT_EQ(judge(16), "");
  EXPECT_EQ(judge(17), "locks were taken in too many ways to look at each");
}

}  // namespace
}  // namespace trireme
