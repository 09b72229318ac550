#include "harness/check/unordered_reads.h"

#include <functional>

#include "harness/check/meeting_checker.h"
#include "tests/harness/check/sync_trial.h"

namespace trireme {
namespace {

constexpr uint64_t kReadStream = 9;

// a reads the stream at 100 and b at 200, and `between` is what else the two did; each started at 10.
size_t Unordered(const std::function<void(SyncTrial&)>& between) {
  SyncTrial trial;
  trial.New(kReadStream, "stream")
      .New(11, "lock")
      .New(12, "queue")
      .New(13, "event")
      .New(14, "queue", 2);
  trial.New(15, "condition").New(16, "semaphore", 1).New(17, "pool", 1);
  trial.Task(2, "1.1", "a", 10).Task(3, "1.2", "b", 10);
  trial.Sync(100, 2, "read", kReadStream).Sync(200, 3, "read", kReadStream);
  between(trial);
  return FindUnorderedReads(trial.Finish().View()).size();
}

// The action of a after its read, and of b before its own; then b's one tick before a's.
void ExpectEdge(const std::string& from, const std::string& to, uint64_t object) {
  EXPECT_EQ(Unordered([&](SyncTrial& trial) {
              trial.Sync(150, 2, from, object).Sync(151, 3, to, object);
            }),
            0U)
      << from << " " << to;
  EXPECT_EQ(Unordered([&](SyncTrial& trial) {
              trial.Sync(151, 2, from, object).Sync(150, 3, to, object);
            }),
            1U)
      << from << " " << to;
}

TEST(UnorderedReadsTest, FindsReadsOfTwoTasks) {
  EXPECT_EQ(Unordered([](SyncTrial&) {}), 1U);
}

TEST(UnorderedReadsTest, FollowsWhatOneGivesAndTheOtherTakes) {
  ExpectEdge("release", "acquire", 11);
  ExpectEdge("put", "get", 12);
  ExpectEdge("set", "passed", 13);
  ExpectEdge("get", "put", 14);
  ExpectEdge("notify", "acquire", 15);
  ExpectEdge("wait", "acquire", 15);
  ExpectEdge("release", "acquire", 16);
  ExpectEdge("release", "acquire", 17);
}

TEST(UnorderedReadsTest, NeedsNoRoomInAQueueWithoutLimit) {
  EXPECT_EQ(
      Unordered([](SyncTrial& trial) { trial.Sync(150, 2, "get", 12).Sync(151, 3, "put", 12); }),
      1U);
}

TEST(UnorderedReadsTest, IsNotMisledByAnotherObject) {
  EXPECT_EQ(Unordered([](SyncTrial& trial) {
              trial.Sync(150, 2, "release", 11).Sync(151, 3, "acquire", 16);
            }),
            1U);
}

TEST(UnorderedReadsTest, NeedsTheReleaseToBeAfterTheRead) {
  EXPECT_EQ(Unordered([](SyncTrial& trial) {
              trial.Sync(99, 2, "release", 11).Sync(151, 3, "acquire", 11);
            }),
            1U);
}

TEST(UnorderedReadsTest, FollowsAThirdTask) {
  EXPECT_EQ(Unordered([](SyncTrial& trial) {
              trial.Sync(110, 2, "put", 12).Sync(120, 1, "get", 12);
              trial.Sync(130, 1, "set", 13).Sync(140, 3, "passed", 13);
            }),
            0U);
}

TEST(UnorderedReadsTest, FollowsJoinsCancelsAndWaits) {
  EXPECT_EQ(Unordered([](SyncTrial& trial) {
              trial.TaskEnd(2, 110).Add(EventKind::kJoin, 120, "", nullptr, 3, 2);
            }),
            0U);
  EXPECT_EQ(Unordered([](SyncTrial& trial) {
              trial.Wait(105, 3, "join", 2).TaskEnd(2, 110).Wake(120, 3, "join");
            }),
            0U);
  EXPECT_EQ(
      Unordered([](SyncTrial& trial) { trial.Add(EventKind::kCancel, 120, "", nullptr, 2, 3); }),
      0U);
  EXPECT_EQ(Unordered([](SyncTrial& trial) {
              trial.Wait(105, 3, "event", 13).Sync(110, 2, "set", 13).Wake(120, 3, "event");
            }),
            0U);
  EXPECT_EQ(Unordered([](SyncTrial& trial) { trial.TaskEnd(2, 110); }), 1U);
}

// main reads, then the task that it starts, then main again.
TEST(UnorderedReadsTest, FollowsAStreamFromParentToChildAndBack) {
  const auto reads = [](int64_t parent, int64_t again) {
    SyncTrial trial;
    trial.New(kReadStream, "stream").Task(2, "1.1", "a", 50).Sync(100, 2, "read", kReadStream);
    trial.Sync(parent, 1, "read", kReadStream).TaskEnd(2, 150).Sync(again, 1, "read", kReadStream);
    return FindUnorderedReads(trial.Finish().View()).size();
  };
  EXPECT_EQ(reads(49, 151), 0U);
  EXPECT_EQ(reads(51, 151), 1U);
  EXPECT_EQ(reads(49, 149), 1U);
}

TEST(UnorderedReadsTest, TakesWhoStartsATaskToKnowWhichEnded) {
  const auto reads = [](int64_t start) {
    SyncTrial trial;
    trial.New(kReadStream, "stream")
        .Task(2, "1.1", "a", 10)
        .Sync(100, 2, "read", kReadStream)
        .TaskEnd(2, 110);
    trial.Add(EventKind::kTaskStart, 10, "1.2", "spawner", 4, 1);
    trial.Add(EventKind::kTaskStart, start, "1.2.1", "b", 3, 4)
        .Add(EventKind::kSync, 200, "read", nullptr, 3, kReadStream);
    return FindUnorderedReads(trial.Finish().View()).size();
  };
  EXPECT_EQ(reads(111), 0U);
  EXPECT_EQ(reads(109), 1U);
}

TEST(UnorderedReadsTest, LooksAtStreamsOnly) {
  SyncTrial trial;
  trial.New(kReadStream, "listener").Task(2, "1.1", "a", 10);
  trial.Sync(100, 1, "read", kReadStream).Sync(101, 2, "read", kReadStream);
  EXPECT_TRUE(FindUnorderedReads(trial.Finish().View()).empty());
}

TEST(UnorderedReadsTest, IsSaidByMultipleReaders) {
  SyncTrial trial;
  trial.New(kReadStream, "stream", 0, "/x/w.py:7 in main")
      .Task(2, "1.1", "a-1", 10)
      .Task(3, "1.2", "a-2", 10);
  trial.Sync(100, 2, "read", kReadStream).Sync(101, 3, "read", kReadStream);
  const CheckResult result = trial.Check(MultipleReadersChecker());
  EXPECT_EQ(result.verdict, Verdict::kPass);
  ASSERT_EQ(result.findings.size(), 1U);
  EXPECT_EQ(result.findings[0].kind, "potential");
  EXPECT_TRUE(result.findings[0].advisory);
  EXPECT_EQ(
      result.findings[0].message,
      "a-1 read the stream made at w.py:7, then a-2 did, and nothing orders the two: another time "
      "they may read at once");
}

TEST(UnorderedReadsTest, IsNotSaidOfTasksThatMet) {
  const auto findings = [](int64_t other) {
    SyncTrial trial;
    trial.New(kReadStream, "stream")
        .Task(2, "1.1", "a", 10)
        .Task(3, "1.2", "b", 10)
        .Task(4, "1.3", "c", 10);
    trial.Sync(100, 2, "read", kReadStream).Sync(101, 3, "read", kReadStream);
    const Json value = {{"kind", "stream"},
                        {"fd", 5},
                        {"how", "read"},
                        {"other", {{"task", other}, {"process", 100}, {"fd", 5}}}};
    trial.Add(EventKind::kSocket, 102, "second-reader", value, 3, 77);
    return trial.Check(MultipleReadersChecker()).findings.size();
  };
  EXPECT_EQ(findings(2), 1U);
  EXPECT_EQ(findings(4), 2U);
}

}  // namespace
}  // namespace trireme
