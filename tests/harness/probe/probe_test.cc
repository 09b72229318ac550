#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

using testing::ElementsAre;

const trireme_probe_api& Probe() { return *trireme_probe(TRIREME_PROBE_ABI); }

void Observe(std::string_view key, int64_t value) {
  Probe().record(TRIREME_OBSERVE, 0, key.data(), static_cast<uint32_t>(key.size()), TRIREME_INT,
                 &value, sizeof(value));
}

// Runs `body` in a forked child; its wait status.
int InChild(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

class ProbeTest : public testing::Test {
 protected:
  void Create(const RecordingOptions& options = {}) {
    ASSERT_TRUE(CreateRecording(path_, options).ok());
  }
  void CreateAndAttach(const RecordingOptions& options = {}) {
    Create(options);
    ASSERT_EQ(Probe().attach(path_.c_str()), 0);
  }
  History Read() const {
    Result<History> history = History::Read(path_);
    EXPECT_TRUE(history.ok());
    EXPECT_EQ(history->damage(), "");
    return *std::move(history);
  }
  // The events that Observe() recorded.
  std::vector<Event> Observations(const History& history) const {
    std::vector<Event> found;
    for (const Event& event : history.events()) {
      if (event.kind == EventKind::kObserve) found.push_back(event);
    }
    return found;
  }
  // A program that may not take more than `soft` of what is its own records all the same, and its limit stays.
  void GrowUnder(int resource, rlim_t soft, bool attached_before);
  trireme_header Header() const {
    trireme_header header{};
    const std::string bytes = *ReadFile(path_);
    bytes.copy(reinterpret_cast<char*>(&header), sizeof(header));
    return header;
  }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
};

TEST_F(ProbeTest, KnowsItsAbiAndNoOther) {
  EXPECT_EQ(Probe().version, uint32_t{TRIREME_PROBE_ABI});
  EXPECT_EQ(Probe().size, sizeof(trireme_probe_api));
  EXPECT_EQ(trireme_probe(TRIREME_PROBE_ABI + 1), nullptr);
}

TEST_F(ProbeTest, RecordsWhatItIsGiven) {
  CreateAndAttach();
  const double number = 1.5;
  Probe().record_for(7, TRIREME_OK, 99, "key", 3, TRIREME_DOUBLE, &number, sizeof(number));
  Probe().record(TRIREME_OUTCOME, 0, "fifo", 4, TRIREME_NONE, nullptr, 0);
  const History history = Read();
  ASSERT_EQ(history.events().size(), 2u);
  const Event& event = history.events()[0];
  EXPECT_EQ(event.kind, EventKind::kOk);
  EXPECT_EQ(event.task, 7u);
  EXPECT_EQ(event.id, 99u);
  EXPECT_EQ(event.key, "key");
  EXPECT_EQ(event.Value(), Json(1.5));
  EXPECT_EQ(event.process, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(event.thread, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(history.events()[1].key, "fifo");
  EXPECT_LT(event.time, history.events()[1].time);
  EXPECT_EQ(NewestEventTime(path_), history.begin_time() + history.events()[1].time);
}

TEST_F(ProbeTest, RefusesWhatIsNoRecording) {
  EXPECT_EQ(Probe().attach(path_.c_str()), ENOENT);
  EXPECT_EQ(Probe().attached(), 0);
  ASSERT_TRUE(WriteFile(path_, std::string(8192, 'x')).ok());
  EXPECT_EQ(Probe().attach(path_.c_str()), EINVAL);
  ASSERT_TRUE(WriteFile(path_, EncodeHistory(0, {})).ok());
  EXPECT_EQ(Probe().attach(path_.c_str()), EINVAL);
  EXPECT_EQ(Probe().attach(nullptr), EINVAL);
  Observe("nowhere", 1);
}

TEST_F(ProbeTest, RefusesARecordingOfAnotherVersion) {
  Create();
  std::string bytes = *ReadFile(path_);
  bytes[8] = 2;
  ASSERT_TRUE(WriteFile(path_, bytes).ok());
  EXPECT_EQ(Probe().attach(path_.c_str()), EINVAL);
}

TEST_F(ProbeTest, AttachesToAnotherFile) {
  CreateAndAttach();
  Observe("first", 1);
  const std::string second = JoinPath(folder_.path(), "second");
  ASSERT_TRUE(CreateRecording(second, {}).ok());
  ASSERT_EQ(Probe().attach(second.c_str()), 0);
  Observe("second", 2);
  EXPECT_EQ(Observations(Read()).size(), 1u);
  EXPECT_EQ(Observations(*History::Read(second))[0].key, "second");
}

TEST_F(ProbeTest, RecordsNothingWhereRecordingIsOff) {
  CreateAndAttach({.recording = false});
  Observe("nothing", 1);
  Probe().set_task(5);
  EXPECT_EQ(Probe().current_task(), 5u);
  Probe().set_task(0);
  EXPECT_TRUE(Read().events().empty());
  EXPECT_EQ(Header().lost, 0u);
}

TEST_F(ProbeTest, HandsOutThePlan) {
  RecordingOptions options;
  options.plan.block.flags = TRIREME_PLAN_WIRE;
  CreateAndAttach(options);
  uint32_t size = 0;
  const auto* plan = reinterpret_cast<const trireme_plan*>(Probe().plan(&size));
  ASSERT_GE(size, sizeof(*plan));
  EXPECT_EQ(plan->version, TRIREME_PLAN_VERSION);
  EXPECT_EQ(plan->flags, TRIREME_PLAN_WIRE);
}

TEST_F(ProbeTest, RecordsASwitchWhenTheTaskChanges) {
  CreateAndAttach();
  Probe().set_task(3);
  Probe().set_task(3);
  Probe().set_task(0);
  const History history = Read();
  ASSERT_EQ(history.events().size(), 2u);
  EXPECT_EQ(history.events()[0].kind, EventKind::kSwitch);
  EXPECT_EQ(history.events()[0].task, 3u);
  EXPECT_EQ(history.events()[0].id, 0u);
  EXPECT_EQ(history.events()[1].task, 0u);
  EXPECT_EQ(history.events()[1].id, 3u);
}

TEST_F(ProbeTest, LeavesErrnoAlone) {
  CreateAndAttach({.chunk_size = 4096, .chunks = 1, .max_bytes = 8192});
  for (int i = 0; i < 500; ++i) {
    errno = 77;
    Observe("k", i);
    ASSERT_EQ(errno, 77);
  }
  EXPECT_GT(Header().lost, 0u);
}

TEST_F(ProbeTest, KeepsNoDescriptorOpen) {
  const size_t before = ListDirectory("/proc/self/fd").size();
  CreateAndAttach({.chunk_size = 4096, .chunks = 1});
  for (int i = 0; i < 1000; ++i) Observe("k", i);
  EXPECT_EQ(ListDirectory("/proc/self/fd").size(), before);
}

TEST_F(ProbeTest, GivesUniqueNumbersToThreadsAndProcesses) {
  CreateAndAttach();
  const auto record_numbers = [] {
    for (int i = 0; i < 2000; ++i) {
      Probe().record(TRIREME_OBSERVE, Probe().new_operation(), "o", 1, TRIREME_NONE, nullptr, 0);
      Probe().record(TRIREME_OBSERVE, Probe().new_task(), "t", 1, TRIREME_NONE, nullptr, 0);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(record_numbers);
  EXPECT_EQ(InChild(record_numbers), 0);
  for (std::thread& thread : threads) thread.join();
  std::set<std::pair<std::string_view, uint64_t>> numbers;
  const History history = Read();
  const std::vector<Event> events = Observations(history);
  EXPECT_EQ(events.size(), 16000u);
  for (const Event& event : events)
    EXPECT_TRUE(numbers.emplace(event.key, event.id).second && event.id > 0);
}

TEST_F(ProbeTest, LosesNothingOfManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kEvents = 5000;
  CreateAndAttach();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < kEvents; ++i) Observe("k", i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const History history = Read();
  EXPECT_EQ(history.lost(), 0u);
  std::map<uint32_t, int64_t> next;
  int64_t time = 0;
  for (const Event& event : Observations(history)) {
    EXPECT_EQ(event.Value(), Json(next[event.thread]++));
    EXPECT_GE(event.time, time);
    time = event.time;
  }
  EXPECT_EQ(next.size(), size_t{kThreads});
  for (const auto& [thread, count] : next) EXPECT_EQ(count, kEvents);
}

TEST_F(ProbeTest, ReusesTheChunksOfThreadsThatEnded) {
  constexpr int kThreads = 500;
  CreateAndAttach({.chunk_size = 32 * 1024});
  for (int t = 0; t < kThreads; ++t) {
    std::thread([t] { Observe("k", t); }).join();
  }
  const History history = Read();
  const std::vector<Event> events = Observations(history);
  ASSERT_EQ(events.size(), size_t{kThreads});
  for (int t = 0; t < kThreads; ++t) EXPECT_EQ(events[static_cast<size_t>(t)].Value(), Json(t));
  // 500 records of 56 bytes fit into one chunk of 32 KiB.
  EXPECT_LE(Header().next_chunk, 3u);
}

TEST_F(ProbeTest, GrowsPastWhatWasAllocated) {
  CreateAndAttach({.chunk_size = 4096, .chunks = 1});
  for (int i = 0; i < 20000; ++i) Observe("k", i);
  const History history = Read();
  const std::vector<Event> events = Observations(history);
  ASSERT_EQ(events.size(), 20000u);
  for (size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].Value(), Json(i));
}

TEST_F(ProbeTest, RecordsValuesLargerThanAChunk) {
  CreateAndAttach({.chunk_size = 4096, .chunks = 2});
  std::string large(3000000, 'x');
  large.back() = 'y';
  Observe("before", 1);
  Probe().record(TRIREME_OBSERVE, 0, "large", 5, TRIREME_TEXT, large.data(),
                 static_cast<uint32_t>(large.size()));
  Observe("after", 2);
  const History history = Read();
  ASSERT_EQ(history.events().size(), 3u);
  EXPECT_EQ(history.events()[1].raw, large);
  EXPECT_EQ(history.events()[2].key, "after");
}

TEST_F(ProbeTest, CountsWhatExceedsTheLimit) {
  CreateAndAttach({.chunk_size = 4096, .chunks = 1, .max_bytes = 3 * 4096});
  for (int i = 0; i < 1000; ++i) Observe("k", i);
  const History history = Read();
  const size_t kept = Observations(history).size();
  EXPECT_GT(kept, 200u);
  EXPECT_EQ(kept + history.lost(), 1000u);
  EXPECT_EQ(history.lost_errno(), EFBIG);
}

// As an ordinary user has it, who cannot lift what is given: the file is still the user's.
void BecomeOrdinary(const std::string& path) {
  constexpr uid_t kNobody = 65534;
  if (geteuid() != 0) return;
  EXPECT_EQ(chown(path.c_str(), kNobody, kNobody), 0);
  EXPECT_EQ(chmod(std::filesystem::path(path).parent_path().c_str(), 0755), 0);
  EXPECT_EQ(setresuid(kNobody, kNobody, kNobody), 0);
}

TEST_F(ProbeTest, GrowsPastAHardFileSizeLimitThatItSawComing) {
  Create({.chunk_size = 4096, .chunks = 1, .objects = 0});
  const int status = InChild([&] {
    EXPECT_EQ(Probe().attach(path_.c_str()), 0);
    const rlimit limit = {1024, 1024};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    BecomeOrdinary(path_);
    for (int i = 0; i < 20000; ++i) Observe("k", i);  // chunks are emptied into the file, too
    for (int i = 0; i < 10; ++i) std::thread([i] { Observe("thread", i); }).join();
  });
  EXPECT_EQ(status, 0) << "SIGXFSZ must not reach the program";
  const History history = Read();
  EXPECT_EQ(Observations(history).size(), 20010u);
  EXPECT_EQ(history.lost(), 0u);
}

TEST_F(ProbeTest, LeavesToTheKernelALimitThatCannotBeRead) {
  Create({.chunk_size = 4096, .chunks = 1, .objects = 0});
  const int status = InChild([&] {
    EXPECT_EQ(Probe().attach(path_.c_str()), 0);
    auto* nowhere = reinterpret_cast<rlimit*>(uintptr_t{8});
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, nowhere), -1);
    EXPECT_EQ(errno, EFAULT);
    rlimit before{};
    EXPECT_EQ(prlimit(0, RLIMIT_FSIZE, nullptr, &before), 0);
    EXPECT_EQ(before.rlim_cur, RLIM_INFINITY);
  });
  EXPECT_EQ(status, 0);
}

TEST_F(ProbeTest, GrowsPastAHardFileSizeLimitOfAnotherProcess) {
  CreateAndAttach({.chunk_size = 4096, .chunks = 1, .objects = 0});
  const int status = InChild([&] {
    const rlimit limit = {1024, 1024};
    EXPECT_EQ(prlimit(getpid(), RLIMIT_FSIZE, &limit, nullptr), 0);
    BecomeOrdinary(path_);
    for (int i = 0; i < 1000; ++i) Observe("k", i);
  });
  EXPECT_EQ(status, 0);
  const History history = Read();
  EXPECT_EQ(Observations(history).size(), 1000u);
  EXPECT_EQ(history.lost(), 0u);
}

// A file system that 64 KiB fill, over that folder.
class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path folder)
      : folder_(std::move(folder)),
        error_(mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64k") == 0 ? 0 : errno) {}
  ~SmallDisk() {
    if (error_ == 0) umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  int error() const { return error_; }

 private:
  const std::filesystem::path folder_;
  const int error_;
};

// The file is larger than the disk then: what of it was not reserved must not be touched.
TEST_F(ProbeTest, CountsWhatAFullDiskRefusesUnderAHardFileSizeLimit) {
  const SmallDisk disk(folder_.path());
  if (disk.error() != 0)
    GTEST_SKIP() << "cannot mount a small tmpfs: " << std::strerror(disk.error());
  Create({.chunk_size = 4096, .chunks = 2, .objects = 0});
  const int status = InChild([&] {
    EXPECT_EQ(Probe().attach(path_.c_str()), 0);
    const rlimit limit = {1024, 1024};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    BecomeOrdinary(path_);
    for (int i = 0; i < 5000; ++i) Observe("k", i);
  });
  EXPECT_EQ(status, 0) << "SIGBUS must not reach the program";
  const History history = Read();
  EXPECT_EQ(Observations(history).size() + history.lost(), 5000u);
  EXPECT_GT(Observations(history).size(), 300u);
  EXPECT_EQ(history.lost_errno(), ENOSPC);
}

TEST_F(ProbeTest, CountsWhatAHardFileSizeLimitForbids) {
  Create({.chunk_size = 4096, .chunks = 1, .objects = 0});
  const int status = InChild([&] {
    EXPECT_EQ(Probe().attach(path_.c_str()), 0);
    const rlimit limit = {4 * 4096, 4 * 4096};
    // A system call that the library does not see, as a limit is that was there before it.
    EXPECT_EQ(syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, &limit, nullptr), 0);
    BecomeOrdinary(path_);
    for (int i = 0; i < 1000; ++i) Observe("k", i);
  });
  EXPECT_EQ(status, 0) << "SIGXFSZ must not reach the program";
  const History history = Read();
  EXPECT_EQ(Observations(history).size() + history.lost(), 1000u);
  EXPECT_GT(history.lost(), 0u);
  EXPECT_EQ(history.lost_errno(), EFBIG);
}

void ProbeTest::GrowUnder(int resource, rlim_t soft, bool attached_before) {
  Create({.chunk_size = 4096, .chunks = 1, .objects = 0});
  const int status = InChild([&] {
    const auto attach = [&] { EXPECT_EQ(Probe().attach(path_.c_str()), 0); };
    if (attached_before) attach();
    const rlimit limit = {soft, RLIM_INFINITY};
    EXPECT_EQ(setrlimit(resource, &limit), 0);
    if (!attached_before) attach();
    BecomeOrdinary(path_);
    for (int i = 0; i < 20000; ++i) Observe("k", i);
    rlimit after{};
    EXPECT_EQ(getrlimit(resource, &after), 0);
    EXPECT_EQ(after.rlim_cur, soft);
  });
  EXPECT_EQ(status, 0);
  const History history = Read();
  EXPECT_EQ(Observations(history).size(), 20000u);
  EXPECT_EQ(history.lost(), 0u);
}

TEST_F(ProbeTest, GrowsPastASoftFileSizeLimitWhichStays) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "TSan's own clone() runs no child that shares memory";
#endif
#endif
  GrowUnder(RLIMIT_FSIZE, 1024, /*attached_before=*/true);
}

TEST_F(ProbeTest, GrowsPastASoftMemoryLimitWhichStays) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
  GTEST_SKIP() << "TSan's own clone() runs no child that shares memory, and ASan's memory knows no "
                  "limit";
#endif
#endif
  GrowUnder(RLIMIT_AS, 4096, /*attached_before=*/true);
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  GrowUnder(RLIMIT_AS, 4096, /*attached_before=*/false);
}

TEST_F(ProbeTest, CountsWhatAHardMemoryLimitForbids) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "ASan's memory knows no limit";
#endif
#endif
  Create({.chunk_size = 4096, .chunks = 1, .objects = 0});
  const int status = InChild([&] {
    EXPECT_EQ(Probe().attach(path_.c_str()), 0);
    const rlimit limit = {4096, 4096};
    EXPECT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    BecomeOrdinary(path_);
    for (int i = 0; i < 1000; ++i) Observe("k", i);
  });
  EXPECT_EQ(status, 0);
  const History history = Read();
  EXPECT_EQ(Observations(history).size() + history.lost(), 1000u);
  EXPECT_GT(history.lost(), 0u);
  EXPECT_EQ(history.lost_errno(), ENOMEM);
}

TEST_F(ProbeTest, CountsWhatAFullDiskRefuses) {
  const SmallDisk disk(folder_.path());
  if (disk.error() != 0)
    GTEST_SKIP() << "cannot mount a small tmpfs: " << std::strerror(disk.error());
  Create({.chunk_size = 4096, .chunks = 2, .objects = 0});
  const int status = InChild([&] {
    EXPECT_EQ(Probe().attach(path_.c_str()), 0);
    for (int i = 0; i < 5000; ++i) Observe("k", i);
  });
  EXPECT_EQ(status, 0);
  const History history = Read();
  EXPECT_EQ(Observations(history).size() + history.lost(), 5000u);
  EXPECT_GT(Observations(history).size(), 500u);
  EXPECT_EQ(history.lost_errno(), ENOSPC);
}

TEST_F(ProbeTest, GrowsWhenNoDescriptorIsFree) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "TSan's own clone() runs no child that shares memory";
#endif
#endif
  Create({.chunk_size = 4096, .chunks = 1});
  const int status = InChild([&] {
    EXPECT_EQ(Probe().attach(path_.c_str()), 0);
    const rlimit limit = {3, 3};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(open("/dev/null", O_RDONLY), -1);
    for (int i = 0; i < 1000; ++i) Observe("k", i);
  });
  EXPECT_EQ(status, 0);
  const History history = Read();
  EXPECT_EQ(Observations(history).size(), 1000u);
  EXPECT_EQ(history.lost(), 0u);
}

uint64_t* handler_ids = nullptr;
size_t handler_count = 0;
constexpr size_t kHandlerIds = 100'000;

// A handler may come between any two instructions: with the timer every 20 us it comes between the
// reading and the writing of a counter many times a second.
TEST_F(ProbeTest, GivesAnOperationOfASignalHandlerAnIdOfItsOwn) {
  handler_count = 0;
  CreateAndAttach();
  std::vector<uint64_t> of_handler(kHandlerIds);
  handler_ids = of_handler.data();
  struct sigaction action {};
  action.sa_handler = [](int) {
    for (int i = 0; i < 8 && handler_count < kHandlerIds; ++i)
      handler_ids[handler_count++] = Probe().new_operation();
  };
  ASSERT_EQ(sigaction(SIGALRM, &action, nullptr), 0);
  const itimerval often = {.it_interval = {0, 20}, .it_value = {0, 20}};
  const itimerval never{};
  std::vector<uint64_t> ids(Rounds(5'000'000));
  setitimer(ITIMER_REAL, &often, nullptr);
  for (uint64_t& id : ids) id = Probe().new_operation();
  setitimer(ITIMER_REAL, &never, nullptr);
  EXPECT_GT(handler_count, 0u);
  ids.insert(ids.end(), of_handler.begin(), of_handler.begin() + static_cast<long>(handler_count));
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

TEST_F(ProbeTest, CountsWhatIsRecordedAfterTheFileIsGone) {
  CreateAndAttach({.chunk_size = 4096, .chunks = 1});
  const int fd = open(path_.c_str(), O_RDONLY);
  ASSERT_EQ(unlink(path_.c_str()), 0);
  Create();  // another trial's, under the same name
  for (int i = 0; i < 1000; ++i) Observe("k", i);
  trireme_header header{};
  ASSERT_EQ(pread(fd, &header, sizeof(header), 0), static_cast<ssize_t>(sizeof(header)));
  close(fd);
  EXPECT_GT(header.lost, 0u);
  EXPECT_EQ(header.lost_errno, static_cast<uint32_t>(ESTALE));
  EXPECT_TRUE(Read().events().empty());
}

TEST_F(ProbeTest, RecordsTheForkedChildApart) {
  CreateAndAttach();
  Observe("before", 1);
  const pid_t parent = getpid();
  EXPECT_EQ(InChild([] { Observe("child", 2); }), 0);
  Observe("after", 3);
  const History history = Read();
  ASSERT_EQ(history.events().size(), 4u);
  const Event& process = history.events()[1];
  EXPECT_EQ(process.kind, EventKind::kProcess);
  EXPECT_EQ(process.id, static_cast<uint64_t>(parent));
  EXPECT_NE(process.process, static_cast<uint32_t>(parent));
  EXPECT_EQ(history.events()[2].process, process.process);
  EXPECT_EQ(history.events()[2].key, "child");
  EXPECT_EQ(history.events()[3].process, static_cast<uint32_t>(parent));
}

TEST_F(ProbeTest, RecordsForksFromManyThreads) {
  CreateAndAttach();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 20; ++i) {
        Observe("parent", i);
        const pid_t child = fork();
        if (child == 0) {
          Observe("child", i);
          _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const History history = Read();
  EXPECT_EQ(Observations(history).size(), 160u);
  EXPECT_EQ(history.lost(), 0u);
}

int64_t handled = 0;

TEST_F(ProbeTest, RecordsInSignalHandlersThatInterruptARecording) {
  CreateAndAttach();
  handled = 0;
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { Observe("handler", handled++); };
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  const itimerval often = {{0, 50}, {0, 50}};
  const itimerval never = {};
  setitimer(ITIMER_REAL, &often, nullptr);
  for (int i = 0; i < 200000; ++i) Observe("main", i);
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  const History history = Read();
  int64_t main = 0;
  int64_t handler = 0;
  for (const Event& event : Observations(history)) {
    int64_t& next = event.key == "main" ? main : handler;
    ASSERT_EQ(event.Value(), Json(next++));
  }
  EXPECT_EQ(main, 200000);
  EXPECT_EQ(handler, handled);
  EXPECT_EQ(history.lost(), 0u);
}

// Each round ends the recorder at a random moment of its first two milliseconds, so every stage of
// attaching, claiming and growing is hit; what record() returned from must be there.
TEST_F(ProbeTest, LosesNothingToSigkill) {
  Rng rng(1);
  auto* recorded = static_cast<std::atomic<int64_t>*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (int round = 0; round < 60; ++round) {
    unlink(path_.c_str());
    Create({.chunk_size = 4096, .chunks = 2});
    *recorded = 0;
    const pid_t child = fork();
    if (child == 0) {
      Probe().attach(path_.c_str());
      for (int64_t i = 0;; ++i) {
        Observe("k", i);
        recorded->store(i + 1, std::memory_order_release);
      }
    }
    usleep(static_cast<useconds_t>(rng.Below(2000)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const int64_t count = *recorded;
    const History history = Read();
    const std::vector<Event> events = Observations(history);
    ASSERT_GE(static_cast<int64_t>(events.size()), count) << "round " << round;
    ASSERT_LE(static_cast<int64_t>(events.size()), count + 1);
    for (size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].Value(), Json(i));
  }
  munmap(recorded, 4096);
}

}  // namespace
}  // namespace trireme
