#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/unique_fd.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"
#include "tests/harness/probe/faults_fixture.h"

namespace trireme {
namespace {

constexpr int64_t kThreshold = 20 * kNanosecondsPerMillisecond;
constexpr int64_t kPatience = 30 * kNanosecondsPerSecond;

const trireme_probe_api& LoopProbe() { return *trireme_probe(TRIREME_PROBE_ABI); }

void SetTask(uint32_t task) { LoopProbe().set_task(task); }

uint32_t Thread() { return static_cast<uint32_t>(::syscall(SYS_gettid)); }

// The threads of this process that are the probe's.
std::set<std::string> ProbeThreadNumbers() {
  std::set<std::string> numbers;
  for (const std::string& thread : ListDirectory("/proc/self/task")) {
    const Result<std::string> name = ReadFile("/proc/self/task/" + thread + "/comm");
    if (name.ok() && *name == "trireme-watch\n") numbers.insert(thread);
  }
  return numbers;
}

int64_t ProbeThreads() { return static_cast<int64_t>(ProbeThreadNumbers().size()); }

class LoopsTest : public testing::Test {
 protected:
  void Attach(const RecordingOptions& options) {
    ASSERT_TRUE(CreateRecording(path_, options).ok());
    ASSERT_EQ(LoopProbe().attach(path_.c_str()), 0);
  }
  void TearDown() override {
    SetTask(0);
    LoopProbe().attach(nullptr);
    const int64_t end = SystemClock().Now() + kPatience;
    while (Watchers() > 0 && SystemClock().Now() < end) continue;
    EXPECT_EQ(Watchers(), 0);
  }

  // Without the thread that lets go what another test of this process held back, which stays for the next delay.
  int64_t Watchers() const { return ProbeThreads() - static_cast<int64_t>(before_.size()); }

  History Read() const { return *History::Read(path_); }

  int64_t Count(EventKind kind, std::string_view key, uint32_t thread = 0) const {
    const History history = Read();
    return std::count_if(history.events().begin(), history.events().end(), [&](const Event& event) {
      return event.kind == kind && event.key == key && (thread == 0 || event.thread == thread);
    });
  }
  // Until an event is there that this process cannot wait for but by looking.
  void Await(EventKind kind, std::string_view key, uint32_t thread = 0, int64_t count = 1) const {
    const int64_t end = SystemClock().Now() + kPatience;
    while (Count(kind, key, thread) < count && SystemClock().Now() < end) continue;
    EXPECT_GE(Count(kind, key, thread), count) << key;
  }
  Event Only(const History& history, std::string_view key) const {
    Event found;
    int count = 0;
    for (const Event& event : history.events())
      if (event.kind == EventKind::kHold && event.key == key) found = event, ++count;
    EXPECT_EQ(count, 1) << key;
    return found;
  }
  // Holds a loop of its own until that was found: then whatever else lasted since was looked at as well.
  void HoldUntilFound() const {
    SetTask(901);
    SetTask(902);
    Await(EventKind::kHold, "holds", Thread());
    SetTask(0);
  }
  void RunThread(const std::function<void()>& body) const { std::thread(body).join(); }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
  const std::set<std::string> before_ = ProbeThreadNumbers();
};

TEST_F(LoopsTest, FindsATaskThatHoldsItsLoop) {
  Attach({.hold_threshold = kThreshold});
  SetTask(7);
  SetTask(8);
  Await(EventKind::kHold, "holds");
  SetTask(7);
  Await(EventKind::kHold, "held");
  const History history = Read();
  const Event holds = Only(history, "holds");
  const Event held = Only(history, "held");
  for (const Event& event : {holds, held}) {
    EXPECT_EQ(event.task, 8u);
    EXPECT_EQ(event.thread, Thread());
  }
  EXPECT_EQ(Only(history, "watched").thread, Thread());
  EXPECT_GT(GetDouble(holds.Value(), "seconds"), 0.02);
  EXPECT_EQ(GetString(holds.Value(), "source"), "not taken: of a program that is not ours");
  EXPECT_GE(GetDouble(holds.Value(), "wall"), GetDouble(holds.Value(), "seconds"));
  EXPECT_GE(GetDouble(held.Value(), "wall"), GetDouble(holds.Value(), "wall"));
  constexpr double kRounding = 1e-9;
  EXPECT_GE(GetDouble(held.Value(), "wall") + kRounding,
            GetDouble(held.Value(), "cpu") + GetDouble(held.Value(), "delay"));
}

TEST_F(LoopsTest, LeavesThreadsAloneThatRunOneTaskAfterTheOther) {
  Attach({.hold_threshold = kThreshold});
  RunThread([&] {
    SetTask(1);
    LoopProbe().record_for(1, TRIREME_TASK_END, 0, "returned", 8, TRIREME_NONE, nullptr, 0);
    SetTask(0);
    SetTask(2);
    RunThread([&] { HoldUntilFound(); });
  });
  EXPECT_EQ(Count(EventKind::kHold, "watched"), 1);
  EXPECT_EQ(Count(EventKind::kHold, "holds"), 1);
}

TEST_F(LoopsTest, ALoopThatWaitsIsNotHeld) {
  Attach({.hold_threshold = kThreshold});
  const UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd wake(::eventfd(0, EFD_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {}};
  ASSERT_EQ(::epoll_ctl(set.get(), EPOLL_CTL_ADD, wake.get(), &event), 0);
  std::atomic<uint32_t> waiter{0};
  std::thread loop([&] {
    SetTask(1);
    SetTask(2);
    SetTask(0);
    waiter = Thread();
    EXPECT_EQ(::epoll_wait(set.get(), &event, 1, -1), 1);
  });
  while (waiter == 0) continue;
  RunThread([&] { HoldUntilFound(); });
  RunThread([&] { HoldUntilFound(); });
  ASSERT_EQ(::eventfd_write(wake.get(), 1), 0);
  loop.join();
  EXPECT_EQ(Count(EventKind::kHold, "watched", waiter), 1);
  EXPECT_EQ(Count(EventKind::kHold, "holds", waiter), 0);
}

TEST_F(LoopsTest, ATaskThatPollsHoldsItsLoop) {
  Attach({.hold_threshold = kThreshold});
  const UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  SetTask(1);
  SetTask(2);
  epoll_event event{};
  while (Count(EventKind::kHold, "holds") == 0) ::epoll_wait(set.get(), &event, 1, 100);
  SetTask(0);
}

TEST_F(LoopsTest, ALoopIsWhoRunsATaskAfterItPolled) {
  Attach({.hold_threshold = kThreshold});
  const UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  ::epoll_wait(set.get(), &event, 1, 0);
  SetTask(1);
  Await(EventKind::kHold, "holds");
  SetTask(0);
}

TEST_F(LoopsTest, ATaskThatGivesWayToNobodyHoldsNothing) {
  Attach({.hold_threshold = kThreshold});
  std::atomic<bool> stop{false};
  std::atomic<uint32_t> thread{0};
  std::thread loop([&] {
    SetTask(1);
    SetTask(2);
    for (thread = Thread(); !stop;) SetTask(2);
    SetTask(0);
  });
  while (thread == 0) continue;
  RunThread([&] { HoldUntilFound(); });
  stop = true;
  loop.join();
  EXPECT_EQ(Count(EventKind::kHold, "holds", thread), 0);
}

TEST_F(LoopsTest, BelievesARuntimeThatSaysThatItWaits) {
  Attach({.hold_threshold = kThreshold});
  std::atomic<bool> stop{false};
  std::atomic<uint32_t> thread{0};
  std::thread loop([&] {
    SetTask(1);
    SetTask(2);
    SetTask(0);
    LoopProbe().loop_waits(1);
    for (thread = Thread(); !stop;) continue;
    LoopProbe().loop_waits(0);
  });
  while (thread == 0) continue;
  RunThread([&] { HoldUntilFound(); });
  stop = true;
  loop.join();
  EXPECT_EQ(Count(EventKind::kHold, "holds", thread), 0);
}

// Sends without end to a peer that does not read, until a plan resets the connection where most of that is still on its way:
// which the probe waits for, for ten times as long as a task may hold its loop.
void SendUntilReset() {
  const Listening listening;
  const int little = 1;
  ::setsockopt(listening.fd.get(), SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(listening.ConnectWith(client), 0);
  const std::string bytes(4096, 'x');
  while (::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) continue;
  EXPECT_EQ(errno, ECONNRESET);
}

RecordingOptions WithAResetOfSends(uint64_t offset) {
  RecordingOptions options{.hold_threshold = kThreshold};
  options.plan.rules = {At(Rule(TRIREME_CALL_SEND, TRIREME_DO_RESET), offset)};
  options.plan.connections = 64;
  options.plan.block.calls = 1u << TRIREME_CALL_SEND;
  return options;
}

TEST_F(LoopsTest, ATaskHoldsNothingWhileAPlanWaitsInIt) {
  Attach(WithAResetOfSends(64 << 10));
  uint32_t thread = 0;
  RunThread([&] {
    SetTask(1);
    SetTask(2);
    thread = Thread();
    SendUntilReset();
    SetTask(0);
  });
  RunThread([&] { HoldUntilFound(); });
  EXPECT_EQ(Count(EventKind::kHold, "watched", thread), 1);
  EXPECT_EQ(Count(EventKind::kHold, "holds", thread), 0);
}

TEST_F(LoopsTest, ATaskHoldsItsLoopAfterAPlanWaitedInIt) {
  Attach(WithAResetOfSends(64 << 10));
  RunThread([&] {
    SetTask(1);
    SetTask(2);
    SendUntilReset();
    Await(EventKind::kHold, "holds", Thread());
    SetTask(0);
  });
}

TEST_F(LoopsTest, SaysWhatTheProcessAndItsLoopsUse) {
  Attach({.usage_interval = kNanosecondsPerMillisecond});
  SetTask(1);
  SetTask(2);
  Await(EventKind::kUsage, "loop", Thread(), 2);
  const History history = Read();
  const auto last = std::find_if(history.events().rbegin(), history.events().rend(),
                                 [](const Event& event) { return event.key == "loop"; });
  for (const char* member : {"wall", "delay", "cpu"})
    EXPECT_TRUE(GetMember(last->Value(), member).is_number()) << member;
  for (const char* member : {"polls", "found", "steps", "moved"})
    EXPECT_EQ(GetInt(last->Value(), member, -1), 0) << member;
  EXPECT_GE(GetInt(last->Value(), "slept", -1), 0);
  const auto process = std::find_if(history.events().rbegin(), history.events().rend(),
                                    [](const Event& event) { return event.key == "process"; });
  EXPECT_GT(GetInt(process->Value(), "rss"), 1 << 20);
  EXPECT_EQ(GetInt(process->Value(), "threads"),
            static_cast<int64_t>(ListDirectory("/proc/self/task").size()) - ProbeThreads());
  EXPECT_EQ(Count(EventKind::kHold, "holds"), 0);
}

// This thread, as a loop, asks the set for what is ready until so many USAGE events of it say that.
class SpinTest : public LoopsTest {
 protected:
  void SpinUntil(int set, const std::string& key, int count) {
    SetTask(1);
    SetTask(2);
    SetTask(0);
    const int64_t end = SystemClock().Now() + kPatience;
    for (epoll_event event{};
         Count(EventKind::kUsage, key, Thread()) < count && SystemClock().Now() < end;)
      for (int turn = 0; turn < 1000; ++turn) ::epoll_wait(set, &event, 1, 0);
  }
};

// Of two in the set, one has something that nobody reads. It is told for as long as that goes on.
TEST_F(SpinTest, SaysWhichDescriptorALoopIsToldOfAgainAndAgain) {
  Attach({.usage_interval = kNanosecondsPerMillisecond});
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const UniqueFd quiet(ends[0]), ready(ends[1]), set(::epoll_create1(EPOLL_CLOEXEC));
  for (const UniqueFd* fd : {&quiet, &ready}) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = 1000u + static_cast<uint64_t>(fd->get())}};
    ASSERT_EQ(::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd->get(), &event), 0);
  }
  ASSERT_EQ(::send(quiet.get(), "1", 1, 0), 1);
  constexpr int kTimes = 6;
  SpinUntil(set.get(), "ready", kTimes);
  EXPECT_GE(Count(EventKind::kUsage, "ready", Thread()), kTimes);
  const History history = Read();
  const auto told = std::find_if(history.events().begin(), history.events().end(),
                                 [](const Event& event) { return event.key == "ready"; });
  ASSERT_NE(told, history.events().end());
  const Json value = told->Value();
  ASSERT_EQ(GetMember(value, "descriptors").size(), 1u) << DumpJson(value);
  EXPECT_EQ(GetInt(GetMember(value, "descriptors")[0], "fd"), ready.get());
  EXPECT_EQ(GetString(GetMember(value, "descriptors")[0], "kind"), "stream");
}

// Of two that are registered with the same word nobody knows which one is told.
TEST_F(SpinTest, SaysNoDescriptorThatItDoesNotKnow) {
  Attach({.usage_interval = kNanosecondsPerMillisecond});
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const UniqueFd one(ends[0]), other(ends[1]), set(::epoll_create1(EPOLL_CLOEXEC));
  for (const UniqueFd* fd : {&one, &other}) {
    epoll_event event{.events = EPOLLOUT, .data = {.u64 = 7}};
    ASSERT_EQ(::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd->get(), &event), 0);
  }
  SpinUntil(set.get(), "loop", 8);
  EXPECT_EQ(Count(EventKind::kUsage, "ready", Thread()), 0);
}

TEST_F(LoopsTest, CountsHowOftenALoopGoesToSleep) {
  Attach({.usage_interval = kNanosecondsPerMillisecond});
  std::atomic<uint32_t> sleeper{0};
  std::atomic<bool> over{false};
  std::thread loop([&] {
    SetTask(1);
    SetTask(2);
    sleeper = Thread();
    // The sleeps are what is counted; nobody waits for them to be long enough.
    while (!over) std::this_thread::sleep_for(std::chrono::microseconds(100));
  });
  const auto slept = [&] {
    const History history = Read();
    int64_t sum = 0;
    for (const Event& event : history.events())
      if (event.key == "loop" && event.thread == sleeper) sum += GetInt(event.Value(), "slept", 0);
    return sum;
  };
  const int64_t end = SystemClock().Now() + kPatience;
  while (slept() < 3 && SystemClock().Now() < end) continue;
  EXPECT_GE(slept(), 3);
  over = true;
  loop.join();
}

TEST_F(LoopsTest, StartsNoThreadThatNobodyAskedFor) {
  Attach({});
  SetTask(1);
  SetTask(2);
  EXPECT_EQ(Watchers(), 0);
  EXPECT_EQ(Count(EventKind::kHold, "watched"), 0);
}

TEST_F(LoopsTest, StartsNoThreadBeforeThereIsALoop) {
  Attach({.hold_threshold = kThreshold});
  SetTask(1);
  EXPECT_EQ(Watchers(), 0);
  SetTask(2);
  EXPECT_EQ(Count(EventKind::kHold, "watched"), 1);
}

TEST_F(LoopsTest, WatchesAForkedChildToo) {
  Attach({.hold_threshold = kThreshold});
  SetTask(1);
  SetTask(2);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool none = ProbeThreads() == 0;
    SetTask(3);
    SetTask(4);
    Await(EventKind::kHold, "holds", Thread());
    ::_exit(none && !HasFailure() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  SetTask(0);
}

TEST_F(LoopsTest, TheWatcherTakesNoSignalAndKeepsNoDescriptorOfTheProgram) {
  Attach({.hold_threshold = kThreshold});
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  HoldUntilFound();
  for (const std::string& thread : ListDirectory("/proc/self/task")) {
    const std::string place = "/proc/self/task/" + thread;
    if (*ReadFile(place + "/comm") != "trireme-watch\n" || before_.contains(thread)) continue;
    EXPECT_THAT(*ReadFile(place + "/status"), testing::HasSubstr("SigBlk:\tfffffffe7ffbfeff"));
    EXPECT_TRUE(ListDirectory(place + "/fd").empty());
  }
  write_end.Reset();
  char byte = 0;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace trireme
