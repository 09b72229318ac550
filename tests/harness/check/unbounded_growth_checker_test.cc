#include "harness/check/unbounded_growth_checker.h"

#include "harness/check/levels.h"
#include "tests/harness/check/sync_trial.h"

namespace trireme {
namespace {

constexpr uint64_t kGrowingQueue = 11;

// A queue that gets `each` items in every tenth of the trial, which ends at 1000.
SyncTrial Filled(int64_t size, int64_t each, const std::string& action = "put") {
  SyncTrial trial;
  trial.New(kGrowingQueue, "queue", size, "/x/w.py:3 in main").Task(2, "1.1", "producer-1", 0);
  for (int64_t tenth = 0; tenth < 10; ++tenth)
    trial.Sync(tenth * 100, 2, action, kGrowingQueue, (tenth + 1) * each);
  return trial;
}

CheckResult JudgeGrowth(SyncTrial trial, const Json& arguments = Json::object()) {
  return trial.Check(UnboundedGrowthChecker(), arguments);
}

TEST(UnboundedGrowthCheckerTest, RejectsAQueueThatGrowsBeyondItsLimit) {
  const CheckResult result = JudgeGrowth(Filled(0, 101));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(
      result.reason,
      "the queue made at w.py:3, which has no limit, grew to 1010 items, allowed are 1000, most of "
      "them put by producer-1");
}

TEST(UnboundedGrowthCheckerTest, AcceptsAQueueThatGrowsUpToIt) {
  EXPECT_EQ(JudgeGrowth(Filled(0, 100)).verdict, Verdict::kPass);
  EXPECT_EQ(JudgeGrowth(Filled(0, 100), {{"queue", 999}}).verdict, Verdict::kFail);
}

// It may have been emptied where events are missing.
TEST(UnboundedGrowthCheckerTest, CannotDecideOnAQueueWhereEventsAreMissing) {
  SyncTrial trial = Filled(0, 101);
  trial.Watched({.damage = "the last part is missing"});
  const CheckResult result = JudgeGrowth(std::move(trial));
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, "the history is damaged");
}

TEST(UnboundedGrowthCheckerTest, LooksAtQueuesWithoutLimitOnly) {
  EXPECT_EQ(JudgeGrowth(Filled(2000, 101)).verdict, Verdict::kPass);
}

TEST(UnboundedGrowthCheckerTest, AcceptsAQueueThatIsFilledAtOnceOrEmptiedInTheEnd) {
  SyncTrial at_once;
  at_once.New(kGrowingQueue, "queue")
      .Sync(0, 1, "put", kGrowingQueue, 5000)
      .Sync(900, 1, "put", kGrowingQueue, 5001);
  EXPECT_EQ(JudgeGrowth(std::move(at_once)).verdict, Verdict::kPass);
  EXPECT_EQ(JudgeGrowth(std::move(Filled(0, 1000).Sync(950, 1, "get", kGrowingQueue, 0))).verdict,
            Verdict::kPass);
  EXPECT_EQ(JudgeGrowth(std::move(Filled(0, 1000).Sync(1001, 1, "get", kGrowingQueue, 0))).verdict,
            Verdict::kFail);
}

TEST(UnboundedGrowthCheckerTest, CountsItemsWhereTheirNumberWasNotRecorded) {
  const auto judge = [](int gets) {
    SyncTrial trial;
    trial.New(kGrowingQueue, "queue");
    for (int i = 0; i < 100; ++i) trial.Sync(10 * i, 1, "put", kGrowingQueue);
    for (int i = 0; i < gets; ++i) trial.Sync(10 * i + 5, 1, "get", kGrowingQueue);
    return JudgeGrowth(std::move(trial), {{"queue", 50}}).verdict;
  };
  EXPECT_EQ(judge(0), Verdict::kFail);
  EXPECT_EQ(judge(100), Verdict::kPass);
}

// Ten looks at the process, each tenth of the trial; `step` is added from look to look.
SyncTrial Used(const std::string& what, int64_t first, int64_t step, int looks = 10) {
  SyncTrial trial;
  for (int look = 0; look < looks; ++look) {
    Json value = {{"rss", 1000}, {"threads", 1}};
    value[what] = first + step * look;
    trial.Add(EventKind::kUsage, look * 100, "process", value, 0);
  }
  return trial;
}

// Each look says by itself what the process takes.
TEST(UnboundedGrowthCheckerTest, RejectsGrowthOfAProcessWhereEventsAreMissing) {
  SyncTrial trial = Used("threads", 3, 22);
  trial.Watched({.damage = "a part is missing"});
  EXPECT_EQ(JudgeGrowth(std::move(trial)).verdict, Verdict::kFail);
}

TEST(UnboundedGrowthCheckerTest, RejectsThreadsThatBecomeMoreAndMore) {
  const CheckResult result = JudgeGrowth(Used("threads", 3, 22));
  EXPECT_EQ(result.reason,
            "the process came to 201 threads, and their number rose throughout; allowed are 200");
  EXPECT_EQ(JudgeGrowth(Used("threads", 2, 22)).verdict, Verdict::kPass);
  EXPECT_EQ(JudgeGrowth(Used("threads", 1000, 0)).verdict, Verdict::kPass);  // a pool
}

TEST(UnboundedGrowthCheckerTest, RejectsMemoryThatGrows) {
  EXPECT_EQ(JudgeGrowth(Used("rss", 5'000, 112), {{"memory", 1000}}).reason,
            "the process's memory rose throughout, by 1008 bytes; allowed are 1000");
  EXPECT_EQ(JudgeGrowth(Used("rss", 5'000, 111), {{"memory", 1000}}).verdict, Verdict::kPass);
}

// Memory that grows until 900, all of which is free at 990; `last`: when the workload does its last.
CheckResult JudgeFreed(int64_t last) {
  SyncTrial trial = Used("rss", 5'000, 200);
  trial.Add(EventKind::kUsage, 990, "process", {{"rss", 5'000}, {"threads", 1}}, 0);
  trial.Observe("x", 1, last);
  return JudgeGrowth(std::move(trial), {{"memory", 1000}});
}

TEST(UnboundedGrowthCheckerTest, RejectsMemoryThatIsFreeOnlyAsTheWorkloadReturns) {
  EXPECT_EQ(JudgeFreed(980).verdict, Verdict::kFail);
}

TEST(UnboundedGrowthCheckerTest, AcceptsMemoryThatIsFreeWhileTheWorkloadRuns) {
  EXPECT_EQ(JudgeFreed(991).verdict, Verdict::kPass);
  EXPECT_EQ(JudgeFreed(500).verdict, Verdict::kPass);  // what it did since is not known
}

TEST(UnboundedGrowthCheckerTest, AsksForLooksAtTheProcess) {
  EXPECT_EQ(UnboundedGrowthChecker().Needs({}).usage_interval, 50'000'000);
}

TEST(UnboundedGrowthCheckerTest, CannotDecideWithoutTheLooksThatAreAskedFor) {
  const Json threads = {{"threads", 10}};
  EXPECT_EQ(JudgeGrowth(Used("threads", 1, 0, 9), threads).reason,
            "what the process took was not recorded ten times");
  EXPECT_EQ(JudgeGrowth(Used("threads", 1, 0, 10), threads).verdict, Verdict::kPass);
  EXPECT_EQ(JudgeGrowth(Filled(0, 1), threads).verdict, Verdict::kUnknown);
  EXPECT_EQ(JudgeGrowth(Filled(0, 1)).verdict, Verdict::kPass);
}

TEST(UnboundedGrowthCheckerTest, CannotDecideWhereNothingCouldGrow) {
  EXPECT_EQ(JudgeGrowth(SyncTrial()).reason, "no queue was used, and no usage was recorded");
  EXPECT_EQ(JudgeGrowth(Filled(0, 1), {{"queue", -1}}).verdict, Verdict::kUnknown);
}

TEST(LevelsTest, AreThoseAtTheEndsOfTheSlices) {
  const std::vector<Level> levels = {{0, 1}, {10, 2}, {11, 3}, {30, 4}};
  EXPECT_EQ(LevelsAtEnds(levels, 40, 4), (std::vector<double>{2, 3, 4, 4}));
  EXPECT_TRUE(LevelsAtEnds(levels, 3, 4).empty());
  EXPECT_TRUE(LevelsAtEnds({}, 40, 4).empty());
}

}  // namespace
}  // namespace trireme
