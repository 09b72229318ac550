#include "harness/check/starvation_checker.h"

#include "tests/harness/check/sync_trial.h"

namespace trireme {
namespace {

constexpr uint64_t kStarvedObject = 11;

// Task a (2) waits from 100 to 900, and b (3) is served `times` meanwhile.
SyncTrial Barging(const std::string& kind, const std::string& wait, int times,
                  const std::string& serve = "acquire") {
  SyncTrial trial;
  trial.New(kStarvedObject, kind, 1, "/x/w.py:3 in main")
      .Task(2, "1.1", "a-1", 10)
      .Task(3, "1.2", "b", 10);
  trial.Sync(50, 3, serve, kStarvedObject).Wait(100, 2, wait, kStarvedObject);
  for (int i = 0; i < times; ++i) {
    if (serve == "acquire") trial.Sync(101 + 2 * i, 3, "release", kStarvedObject);
    trial.Sync(102 + 2 * i, 3, serve, kStarvedObject);
  }
  trial.Sync(899, 2, serve, kStarvedObject).Add(EventKind::kWake, 900, wait, nullptr, 2, 1);
  return trial;
}

CheckResult JudgeStarvation(SyncTrial trial, double share = 10) {
  return trial.Check(StarvationChecker(), {{"share", share}});
}

// Two tasks want it, so ten times each are twenty.
TEST(StarvationCheckerTest, RejectsOneMoreThanTheShare) {
  const CheckResult result = JudgeStarvation(Barging("lock", "lock", 21));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(
      result.reason,
      "a-1 waited for the lock made at w.py:3 for 0.799us, while 21 services went to who came "
      "later; 2 tasks wanted it, allowed are 10 for each");
  EXPECT_EQ(result.findings.at(0).evidence["overtaken"], 21);
}

TEST(StarvationCheckerTest, AcceptsTheShare) {
  EXPECT_EQ(JudgeStarvation(Barging("lock", "lock", 20)).verdict, Verdict::kPass);
}

TEST(StarvationCheckerTest, JudgesSemaphoresAndQueues) {
  EXPECT_EQ(JudgeStarvation(Barging("semaphore", "semaphore", 21)).verdict, Verdict::kFail);
  EXPECT_EQ(JudgeStarvation(Barging("semaphore", "semaphore", 20)).verdict, Verdict::kPass);
  EXPECT_EQ(JudgeStarvation(Barging("queue", "queue-get", 21, "get")).verdict, Verdict::kFail);
  EXPECT_EQ(JudgeStarvation(Barging("queue", "queue-get", 20, "get")).verdict, Verdict::kPass);
  EXPECT_EQ(JudgeStarvation(Barging("queue", "queue-put", 21, "put")).verdict, Verdict::kFail);
  EXPECT_EQ(JudgeStarvation(Barging("queue", "queue-get", 21, "put")).verdict, Verdict::kUnknown);
}

TEST(StarvationCheckerTest, HasTheShareAsAnArgument) {
  EXPECT_EQ(JudgeStarvation(Barging("lock", "lock", 3), 1).verdict, Verdict::kFail);
  EXPECT_EQ(JudgeStarvation(Barging("lock", "lock", 2), 1).verdict, Verdict::kPass);
}

TEST(StarvationCheckerTest, CountsAWaitThatNeverEnded) {
  const auto judge = [](int64_t last) {
    SyncTrial trial;
    trial.New(kStarvedObject, "lock")
        .Task(2, "1.1", "a", 10)
        .Task(3, "1.2", "b", 10)
        .Wait(100, 2, "lock", kStarvedObject);
    for (int i = 0; i < 20; ++i) trial.Sync(200 + i, 3, "acquire", kStarvedObject);
    trial.Sync(last, 3, "acquire", kStarvedObject)
        .Exit("timeout", {{"timeout_ns", 10'000}}, 10'050);
    return trial.Check(StarvationChecker()).verdict;
  };
  EXPECT_EQ(judge(10'000), Verdict::kFail);
  EXPECT_EQ(judge(10'001), Verdict::kPass);
}

// Who waits since before is not overtaken by it, and does not overtake.
TEST(StarvationCheckerTest, AcceptsALineInWhichEachIsServedInTurn) {
  SyncTrial trial;
  trial.New(kStarvedObject, "lock");
  for (uint32_t task = 2; task < 42; ++task) trial.Task(task, "1." + std::to_string(task), "w", 10);
  trial.Sync(50, 1, "acquire", kStarvedObject);
  for (uint32_t task = 2; task < 42; ++task) trial.Wait(100 + task, task, "lock", kStarvedObject);
  for (uint32_t task = 2; task < 42; ++task)
    trial.Sync(200 + task, task, "acquire", kStarvedObject);
  EXPECT_EQ(JudgeStarvation(std::move(trial), 0).verdict, Verdict::kPass);
}

TEST(StarvationCheckerTest, CountsOnlyWhoCameLater) {
  const auto judge = [](int64_t came) {
    SyncTrial trial;
    trial.New(kStarvedObject, "lock").Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
    trial.Wait(came, 3, "lock", kStarvedObject).Wait(100, 2, "lock", kStarvedObject);
    trial.Sync(200, 3, "acquire", kStarvedObject).Sync(300, 2, "acquire", kStarvedObject);
    return trial.Check(StarvationChecker(), {{"share", 0}}).verdict;
  };
  EXPECT_EQ(judge(99), Verdict::kPass);
  EXPECT_EQ(judge(101), Verdict::kFail);
}

// b's wait runs out of its time; while it sleeps a comes, and b overtakes it then.
TEST(StarvationCheckerTest, TakesWhoCameAgainForOneWhoCameLater) {
  const auto judge = [](int64_t again) {
    SyncTrial trial;
    trial.New(kStarvedObject, "lock").Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
    trial.Sync(50, 1, "acquire", kStarvedObject);
    trial.Wait(100, 3, "lock", kStarvedObject).Wake(110, 3, "lock");
    trial.Wait(120, 2, "lock", kStarvedObject);
    if (again != 0) trial.Wait(again, 3, "sleep", 0).Wake(again + 1, 3, "sleep");
    trial.Sync(200, 3, "acquire", kStarvedObject).Sync(300, 2, "acquire", kStarvedObject);
    return trial.Check(StarvationChecker(), {{"share", 0}}).verdict;
  };
  EXPECT_EQ(judge(0), Verdict::kPass);  // it may be that of its wait
  EXPECT_EQ(judge(130), Verdict::kFail);
}

// A task that waits for something else waits there no more, though that was not recorded.
TEST(StarvationCheckerTest, EndsAWaitWhereItsTaskWaitsForSomethingElse) {
  const auto judge = [](bool leaves) {
    SyncTrial trial;
    trial.New(kStarvedObject, "lock").Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
    trial.Wait(100, 2, "lock", kStarvedObject);
    if (leaves) trial.Wait(110, 2, "recv", 0);
    for (int i = 0; i < 30; ++i) trial.Sync(200 + i, 3, "acquire", kStarvedObject);
    return trial.Check(StarvationChecker()).verdict;
  };
  EXPECT_EQ(judge(false), Verdict::kFail);
  EXPECT_NE(judge(true), Verdict::kFail);
}

TEST(StarvationCheckerTest, DoesNotCountAnRLockThatItsHolderTakesAgain) {
  const auto judge = [](bool releases) {
    SyncTrial trial;
    trial.New(kStarvedObject, "rlock").Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
    trial.Sync(50, 3, "acquire", kStarvedObject).Wait(100, 2, "lock", kStarvedObject);
    for (int i = 0; i < 30; ++i) {
      if (releases) trial.Sync(101 + 2 * i, 3, "release", kStarvedObject);
      trial.Sync(102 + 2 * i, 3, "acquire", kStarvedObject);
    }
    return trial.Sync(800, 2, "acquire", kStarvedObject).Check(StarvationChecker()).verdict;
  };
  EXPECT_EQ(judge(true), Verdict::kFail);
  EXPECT_NE(judge(false), Verdict::kFail);
}

// The tasks of a pool are many; main wants their places.
TEST(StarvationCheckerTest, RejectsAPoolThatServesWhoCameLast) {
  const auto judge = [](uint32_t later) {
    SyncTrial trial;
    trial.New(kStarvedObject, "pool", 1)
        .Task(2, "1.1", "first", 100)
        .Wait(100, 2, "pool-place", kStarvedObject);
    for (uint32_t i = 0; i < later; ++i) {
      trial.Task(3 + i, "1." + std::to_string(2 + i), "later", 110 + i);
      trial.Sync(200 + i, 3 + i, "acquire", kStarvedObject);
    }
    return trial.Sync(900, 2, "acquire", kStarvedObject).Check(StarvationChecker()).verdict;
  };
  EXPECT_EQ(judge(11), Verdict::kFail);
  EXPECT_EQ(judge(10), Verdict::kPass);
}

TEST(StarvationCheckerTest, CannotDecideWhereNobodyWaitedWhileOthersWereServed) {
  EXPECT_EQ(JudgeStarvation(Barging("lock", "lock", 1)).verdict, Verdict::kPass);
  SyncTrial trial;
  trial.New(kStarvedObject, "lock")
      .Sync(50, 1, "acquire", kStarvedObject)
      .Sync(60, 1, "release", kStarvedObject);
  EXPECT_EQ(JudgeStarvation(std::move(trial)).reason,
            "no task waited for a lock, semaphore, queue or pool that served others");
}

TEST(StarvationCheckerTest, CannotDecideWithAShareThatIsNone) {
  EXPECT_EQ(JudgeStarvation(Barging("lock", "lock", 21), -1).reason,
            "the check's argument 'share' is no number from 0");
}

}  // namespace
}  // namespace trireme
