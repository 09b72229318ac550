// What the history says of the things that tasks wait for, under every runtime of C++. Settle() makes the order of events
// certain: each waits before the next thing happens.
#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

void CheckOnAll(Task<> (*main)(Runtime&), void (*check)(const Recording&)) {
  for (const std::string& runtime : CppRuntimes())
    EXPECT_EQ(RunInChild({.name = "", .main = main, .check = check}, runtime), 0) << runtime;
}

// The one that was made of that kind, or the n-th.
Recorded MadeOf(const Recording& recording, const std::string& kind, size_t index = 0) {
  for (const Recorded& made : recording.Of(TRIREME_SYNC, "new"))
    if (made.json()["kind"] == kind && index-- == 0) return made;
  ADD_FAILURE() << "no " << kind << " was made";
  return {};
}

bool IsAbout(const Recorded& event, const Recorded& made) {
  if (event.kind == TRIREME_SYNC) return event.id == made.id && event.key != "new";
  return event.kind == TRIREME_WAIT && event.key != "join" &&
         event.value == std::to_string(made.id);
}

// "file:line in name" is none.
bool HasCount(const Recorded& event) {
  return !event.value.empty() && event.value.find(" in ") == std::string::npos;
}

using Story = std::vector<std::string>;

// All that happened to it: "1.2 acquire", "1.2 put 3", "1.2 waits: lock". Not where a lock was taken.
Story StoryOf(const Recording& recording, const Recorded& made) {
  Story story;
  for (const Recorded& event : recording.all()) {
    if (!IsAbout(event, made)) continue;
    const std::string path = recording.PathOf(event.task);
    if (event.kind == TRIREME_WAIT)
      story.push_back(path + " waits: " + event.key);
    else
      story.push_back(path + " " + event.key + (HasCount(event) ? " " + event.value : ""));
  }
  return story;
}

Story StoryOf(const Recording& recording, const std::string& kind) {
  return StoryOf(recording, MadeOf(recording, kind));
}

Task<> MakesOneOfEach(Runtime& rt) {
  const int before = __LINE__;
  Lock lock = rt.Lock();
  RLock rlock = rt.RLock();
  Semaphore semaphore = rt.Semaphore(3);
  Condition condition = rt.Condition();
  Event event = rt.Event();
  Queue<int> bounded = rt.Queue<int>(4);
  Queue<int> unbounded = rt.Queue<int>();
  Pool pool = rt.Pool(2);
  [[maybe_unused]] auto ends = co_await rt.Socketpair();
  Listener listener = co_await rt.Listen();
  rt.Observe("before", before);
}

TEST(SyncEventsTest, TellWhatWasMadeAndWhere) {
  CheckOnAll(MakesOneOfEach, [](const Recording& recording) {
    std::vector<std::string> made;
    std::set<uint64_t> numbers;
    const int before = std::stoi(recording.One(TRIREME_OBSERVE, "before").value);
    for (const Recorded& event : recording.Of(TRIREME_SYNC, "new")) {
      const Json json = event.json();
      const std::string place = json["place"];
      const std::string file = "sync_events_test.cc:";
      const std::string function = " in MakesOneOfEach";
      ASSERT_TRUE(place.starts_with(file) && place.ends_with(function)) << place;
      const int line = std::stoi(place.substr(file.size())) - before;
      made.push_back(std::to_string(line) + " " + std::string(json["kind"]) + " " +
                     std::to_string(int{json["size"]}));
      numbers.insert(event.id);
      EXPECT_EQ(recording.PathOf(event.task), "1");
    }
    EXPECT_THAT(made, testing::ElementsAre("1 lock 1", "2 rlock 1", "3 semaphore 3",
                                           "4 condition 1", "5 event 0", "6 queue 4", "7 queue 0",
                                           "8 pool 2", "9 stream 0", "9 stream 0", "10 stream 0"));
    EXPECT_EQ(numbers.size(), made.size());
    EXPECT_EQ(numbers.count(0), 0U);
  });
}

Task<> TakesALock(Runtime& rt) {
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  lock.Release();
}

TEST(SyncEventsTest, AFreeLockIsTakenWithoutAWait) {
  CheckOnAll(TakesALock, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "lock"), (Story{"1 acquire", "1 release"}));
    EXPECT_THAT(recording.One(TRIREME_SYNC, "acquire").value,
                testing::MatchesRegex("sync_events_test\\.cc:[0-9]+ in TakesALock"));
  });
}

Task<> TakesALockThatIsHeld(Runtime& rt) {
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  TaskHandle<> other = rt.Spawn([lock]() mutable -> Task<> {
    co_await lock.Acquire();
    lock.Release();
  });
  co_await rt.Settle();
  lock.Release();
  co_await other.Join();
}

TEST(SyncEventsTest, ALockIsReleasedBeforeAnotherHasIt) {
  CheckOnAll(TakesALockThatIsHeld, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "lock"),
              (Story{"1 acquire", "1.1 waits: lock", "1 release", "1.1 acquire", "1.1 release"}));
  });
}

Task<> GivesUpALock(Runtime& rt) {
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  TaskHandle<> cancelled = rt.Spawn([lock]() mutable -> Task<> { co_await lock.Acquire(); });
  co_await ExpectCancels(rt, cancelled);
  TaskHandle<> late = rt.Spawn([&rt, lock]() mutable -> Task<> {
    auto acquire = [&lock] { return lock.Acquire(); };
    co_await ExpectExpires(rt, acquire);
  });
  co_await late.Join();
  lock.Release();
}

TEST(SyncEventsTest, AWaitThatIsStoppedAcquiresNothing) {
  CheckOnAll(GivesUpALock, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "lock"),
              (Story{"1 acquire", "1.1 waits: lock", "1.2 waits: lock", "1 release"}));
  });
}

Task<> TakesLocksUnderATimeout(Runtime& rt) {
  Lock lock = rt.Lock();
  Condition condition = rt.Condition();
  co_await rt.Timeout(1000, [&]() -> Task<> { co_await lock.Acquire(); });
  lock.Release();
  co_await lock.Acquire();
  lock.Release();
  TaskHandle<> waiter = rt.Spawn([&rt, condition]() mutable -> Task<> {
    const Guard<Condition> guard = co_await condition.Hold();
    co_await rt.Timeout(1000, [&]() -> Task<> { co_await condition.Wait(); });
  });
  co_await rt.Settle();
  co_await condition.Acquire();
  condition.Notify();
  co_await rt.Settle();  // it waits for its lock
  condition.Release();
  co_await waiter.Join();
}

// No deadline ends the wait for the lock of a condition.
TEST(SyncEventsTest, ALockTellsWhenItsWaitWouldEnd) {
  CheckOnAll(TakesLocksUnderATimeout, [](const Recording& recording) {
    std::vector<Recorded> acquired;
    for (const Recorded& event : recording.Of(TRIREME_SYNC, "acquire")) acquired.push_back(event);
    ASSERT_EQ(acquired.size(), 5U);
    const double left = std::stod(acquired[0].value);
    EXPECT_GT(left, 0);
    EXPECT_LE(left, 1000e9);
    for (size_t i = 1; i < acquired.size(); ++i) EXPECT_FALSE(HasCount(acquired[i])) << i;
    EXPECT_EQ(recording.Of(TRIREME_DEADLINE, "condition").size(), 1U);
    EXPECT_EQ(recording.Of(TRIREME_DEADLINE, "lock").size(), 0U);
  });
}

Task<> ReentersALock(Runtime& rt) {
  RLock lock = rt.RLock();
  co_await lock.Acquire();
  co_await lock.Acquire();
  TaskHandle<> other = rt.Spawn([lock]() mutable -> Task<> { co_await lock.Acquire(); });
  lock.Release();
  co_await rt.Settle();
  lock.Release();
  co_await other.Join();
}

TEST(SyncEventsTest, AnRLockTellsEveryLevel) {
  CheckOnAll(ReentersALock, [](const Recording& recording) {
    Story story = StoryOf(recording, "rlock");
    // The wait may come before or after the inner release.
    EXPECT_EQ(std::erase(story, "1.1 waits: lock"), 1U);
    EXPECT_EQ(story, (Story{"1 acquire", "1 acquire", "1 release", "1 release", "1.1 acquire"}));
  });
}

Task<> TakesTheLastPermit(Runtime& rt) {
  Semaphore semaphore = rt.Semaphore(1);
  co_await semaphore.Acquire();
  TaskHandle<> other = rt.Spawn([semaphore]() mutable -> Task<> { co_await semaphore.Acquire(); });
  co_await rt.Settle();
  semaphore.Release();
  co_await other.Join();
}

TEST(SyncEventsTest, ASemaphoreTellsItsPermits) {
  CheckOnAll(TakesTheLastPermit, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "semaphore"),
              (Story{"1 acquire", "1.1 waits: semaphore", "1 release", "1.1 acquire"}));
  });
}

Task<> WaitOf(Condition condition) {
  const Guard<Condition> guard = co_await condition.Hold();
  co_await condition.Wait();
}

Task<> NotifiesAWaiter(Runtime& rt) {
  Condition condition = rt.Condition();
  TaskHandle<> waiter = rt.Spawn(WaitOf, condition);
  co_await rt.Settle();
  co_await condition.Acquire();
  TaskHandle<> late = rt.Spawn([condition]() mutable -> Task<> {
    co_await condition.Acquire();
    condition.Release();
  });
  co_await rt.Settle();
  condition.Notify();
  co_await rt.Settle();
  condition.Release();
  co_await rt.Gather(late, waiter);
}

TEST(SyncEventsTest, AConditionStandsForItsLock) {
  CheckOnAll(NotifiesAWaiter, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "condition"),
              (Story{"1.1 acquire", "1.1 wait", "1.1 waits: condition", "1 acquire",
                     "1.2 waits: lock", "1 notify", "1.1 waits: lock", "1 release", "1.2 acquire",
                     "1.2 release", "1.1 acquire", "1.1 release"}));
    // It waits for one thing at a time.
    const std::vector<Recorded>& all = recording.all();
    const auto woken = std::find_if(all.begin(), all.end(), [](const Recorded& event) {
      return event.kind == TRIREME_WAKE && event.key == "condition";
    });
    EXPECT_EQ(std::count_if(woken, all.end(),
                            [](const Recorded& event) {
                              return event.kind == TRIREME_WAIT && event.key == "lock";
                            }),
              1);
    EXPECT_EQ(recording.Of(TRIREME_SYNC, "new").size(), 1U);
  });
}

Task<> StopsAWaiter(Runtime& rt) {
  Condition condition = rt.Condition();
  TaskHandle<> waiter = rt.Spawn(WaitOf, condition);
  co_await ExpectCancels(rt, waiter);
}

TEST(SyncEventsTest, AWaitOfAConditionThatIsStoppedAcquiresAgain) {
  CheckOnAll(StopsAWaiter, [](const Recording& recording) {
    EXPECT_EQ(
        StoryOf(recording, "condition"),
        (Story{"1.1 acquire", "1.1 wait", "1.1 waits: condition", "1.1 acquire", "1.1 release"}));
  });
}

Task<> PutsMoreThanThereIsRoom(Runtime& rt) {
  Queue<int> queue = rt.Queue<int>(2);
  TaskHandle<> putter = rt.Spawn([queue]() mutable -> Task<> {
    for (int i = 0; i < 3; ++i) co_await queue.Put(i);
  });
  for (int i = 0; i < 3; ++i) {
    co_await rt.Settle();
    EXPECT_EQ(co_await queue.Get(), i);
  }
  co_await putter.Join();
}

TEST(SyncEventsTest, AQueueTellsHowManyAreInIt) {
  CheckOnAll(PutsMoreThanThereIsRoom, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "queue"), (Story{"1.1 put 1", "1.1 put 2", "1.1 waits: queue-put",
                                                  "1 get 1", "1.1 put 2", "1 get 1", "1 get 0"}));
  });
}

Task<> GetsBeforeThereIsAny(Runtime& rt) {
  Queue<int> queue = rt.Queue<int>();
  TaskHandle<int> getter =
      rt.Spawn([queue]() mutable -> Task<int> { co_return co_await queue.Get(); });
  co_await rt.Settle();
  co_await queue.Put(7);
  EXPECT_EQ(co_await getter.Join(), 7);
}

TEST(SyncEventsTest, AnItemIsPutBeforeAnotherHasIt) {
  CheckOnAll(GetsBeforeThereIsAny, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "queue"), (Story{"1.1 waits: queue-get", "1 put 1", "1.1 get 0"}));
  });
}

Task<> SetsAnEvent(Runtime& rt) {
  Event event = rt.Event();
  EXPECT_FALSE(event.IsSet());
  TaskHandle<> waiter = rt.Spawn([event]() mutable -> Task<> { co_await event.Wait(); });
  co_await rt.Settle();
  event.Set();
  co_await waiter.Join();
  EXPECT_TRUE(event.IsSet());
  event.Clear();
}

TEST(SyncEventsTest, AnEventTellsWhoSawIt) {
  CheckOnAll(SetsAnEvent, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "event"),
              (Story{"1.1 waits: event", "1 set", "1.1 passed", "1 passed", "1 clear"}));
  });
}

// The pool's tasks are 1.2 and 1.3.
Task<> SubmitsTwoToOnePlace(Runtime& rt) {
  Event event = rt.Event();
  Pool pool = rt.Pool(1);
  TaskHandle<> setter = rt.Spawn([&rt, event]() mutable -> Task<> {
    co_await rt.Settle();
    event.Set();
  });
  auto wait = [event]() mutable -> Task<> { co_await event.Wait(); };
  TaskHandle<> first = co_await pool.Submit(wait);
  TaskHandle<> second = co_await pool.Submit(wait);
  co_await pool.Join();
  co_await rt.Gather(setter, first, second);
}

TEST(SyncEventsTest, APlaceOfAPoolIsHeldByTheTaskThatRuns) {
  CheckOnAll(SubmitsTwoToOnePlace, [](const Recording& recording) {
    Story story = StoryOf(recording, "pool");
    std::erase(story, "1 waits: pool-join");  // unless the last one has ended before
    EXPECT_EQ(story,
              (Story{"1.2 acquire", "1 waits: pool", "1.2 release", "1.3 acquire", "1.3 release"}));
    const std::vector<Recorded>& all = recording.all();
    const auto at = [&](trireme_event kind, const char* key) {
      return std::find_if(all.begin(), all.end(), [&](const Recorded& event) {
        return event.kind == kind && event.key == key && event.task == recording.TaskOf("1.2");
      });
    };
    EXPECT_LT(at(TRIREME_SYNC, "release"), at(TRIREME_TASK_END, "returned"));
  });
}

// Each waits until the other one is blocked.
Task<> JoinsWhatWaits(Runtime& rt) {
  TaskHandle<> task = rt.Spawn([&rt]() -> Task<> { co_await rt.Settle(); });
  co_await task.Join();
  Pool pool = rt.Pool(1);
  TaskHandle<> submitted =
      co_await pool.Submit([](Runtime* inner) -> Task<> { co_await inner->Settle(); }, &rt);
  co_await pool.Join();
}

TEST(SyncEventsTest, AJoinWaitsForTheNumberOfATask) {
  CheckOnAll(JoinsWhatWaits, [](const Recording& recording) {
    std::vector<std::string> awaited;
    for (const Recorded& wait : recording.Of(TRIREME_WAIT, "join"))
      awaited.push_back(recording.PathOf(static_cast<uint32_t>(std::stoul(wait.value))));
    EXPECT_EQ(awaited, (std::vector<std::string>{"1.1"}));  // the pool is joined as a whole
  });
}

Task<> UsesAStreamTwice(Runtime& rt) {
  auto [mine, theirs] = co_await rt.Socketpair();
  TaskHandle<> reader =
      rt.Spawn([stream = theirs]() mutable -> Task<> { co_await stream.RecvExactly(2); });
  co_await rt.Settle();
  Stream other = mine.Dup();
  co_await mine.SendAll("x");
  mine.Close();
  co_await other.SendAll("y");
  other.Close();
  other.Close();
  co_await reader.Join();
  theirs.Close();
}

TEST(SyncEventsTest, ADuplicateHasTheNumberOfItsStream) {
  CheckOnAll(UsesAStreamTwice, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, MadeOf(recording, "stream", 0)),
              (Story{"1 connected #1 #2", "1 write", "1 close", "1 write", "1 close"}));
    // The two bytes may come one by one.
    Story reads = StoryOf(recording, MadeOf(recording, "stream", 1));
    reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
    EXPECT_EQ(reads, (Story{"1 connected #2 #1", "1.1 read", "1.1 waits: recv", "1 close"}));
    EXPECT_EQ(recording.Of(TRIREME_SYNC, "new").size(), 2U);
  });
}

Task<> SendsMoreThanThereIsRoom(Runtime& rt) {
  auto [mine, theirs] = co_await rt.Socketpair();
  TaskHandle<> writer = rt.Spawn([stream = mine]() mutable -> Task<> {
    const std::string much(8 << 20, 'x');
    co_await stream.SendAll(much);
  });
  co_await ExpectCancels(rt, writer);
  mine.Close();
}

TEST(SyncEventsTest, ASendThatWaitsNamesItsStream) {
  CheckOnAll(SendsMoreThanThereIsRoom, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, MadeOf(recording, "stream", 0)),
              (Story{"1 connected #1 #2", "1.1 write", "1.1 waits: send", "1 close"}));
  });
}

Task<> ClosesWhatAccepts(Runtime& rt) {
  Listener listener = co_await rt.Listen();
  TaskHandle<int> acceptor = rt.Spawn([listener]() mutable -> Task<int> {
    auto accept = [&listener] { return listener.Accept(); };
    co_return co_await ErrnoOf(accept);
  });
  co_await rt.Settle();
  listener.Close();
  EXPECT_EQ(co_await acceptor.Join(), EBADF);
}

TEST(SyncEventsTest, AnAcceptThatWaitsNamesItsListener) {
  CheckOnAll(ClosesWhatAccepts, [](const Recording& recording) {
    EXPECT_EQ(StoryOf(recording, "stream"), (Story{"1.1 waits: accept", "1 close"}));
  });
}

}  // namespace
}  // namespace trireme
