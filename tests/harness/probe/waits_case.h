#ifndef TRIREME_TESTS_HARNESS_PROBE_WAITS_CASE_H_
#define TRIREME_TESTS_HARNESS_PROBE_WAITS_CASE_H_

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/unique_fd.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

// What tests of who meets whom have in common: the calls of their program are the probe's, which is linked before the C
// library.
namespace trireme {

// The system call that the C library's epoll_wait makes.
#ifdef SYS_epoll_wait
inline constexpr long kEpollWait = SYS_epoll_wait;
#else
inline constexpr long kEpollWait = SYS_epoll_pwait;
#endif

inline const trireme_probe_api& Api() { return *trireme_probe(TRIREME_PROBE_ABI); }

inline char ReadByte(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, 0) == 1 ? byte : '\0';
}

// As a task that waits does: it finds nothing, has its descriptor registered, and another task runs.
inline void FindNothing(int fd) {
  EXPECT_EQ(::recv(fd, std::array<char, 8>().data(), 8, MSG_DONTWAIT), -1);
}

inline void Register(int epoll, int fd, uint32_t events = EPOLLIN) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  ASSERT_EQ(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

inline bool IsIn(const std::string& syscall_file, long call) {
  const Result<std::string> text = ReadFile(syscall_file);
  return text.ok() && text->starts_with(std::to_string(call) + " ");
}

// A thread that runs `body`, which is about to sleep in the kernel.
class Sleeper {
 public:
  explicit Sleeper(std::function<void()> body)
      : thread_([this, body = std::move(body)] {
          id_ = static_cast<pid_t>(::syscall(SYS_gettid));
          body();
        }) {}
  ~Sleeper() { thread_.join(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  // REQUIRES: it sleeps.
  void Signal(int signal) const { ::syscall(SYS_tgkill, ::getpid(), id_.load(), signal); }
  // Returns once it sleeps, in the call numbered `call`.
  void AwaitSleep(long call) const {
    while (id_ == 0) std::this_thread::yield();
    const std::string path = "/proc/self/task/" + std::to_string(id_) + "/syscall";
    while (!IsIn(path, call)) std::this_thread::yield();
  }

 private:
  std::atomic<pid_t> id_{0};
  std::thread thread_;
};

class WaitsTest : public testing::Test {
 protected:
  void SetUp() override { Begin({}); }
  void TearDown() override { Api().set_task(0); }

  void Begin(const RecordingOptions& options) {
    ::unlink(path_.c_str());
    ASSERT_TRUE(CreateRecording(path_, options).ok());
    ASSERT_EQ(Api().attach(path_.c_str()), 0);
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    ours_.Reset(ends[0]);
    theirs_.Reset(ends[1]);
    epoll_.Reset(::epoll_create1(EPOLL_CLOEXEC));
  }
  // "second-reader: 3 while 2", for each meeting; threads that are no task are 0.
  std::vector<std::string> Meetings() {
    Result<History> history = History::Read(path_);
    EXPECT_TRUE(history.ok());
    unseen_ = history->unseen();
    std::vector<std::string> met;
    for (const Event& event : history->events()) {
      const Json value = event.kind == EventKind::kSocket ? event.Value() : Json();
      if (event.kind != EventKind::kSocket || event.key == "read" || event.key == "write") continue;
      met.push_back(std::string(event.key) + ": " + std::to_string(event.task) + " while " +
                    std::to_string(GetInt(GetMember(value, "other"), "task")));
      last_ = value;
    }
    return met;
  }
  // Task 2 waits to read `fd` when this returns; nobody runs.
  void Park(int fd, uint32_t task = 2) {
    Api().set_task(task);
    FindNothing(fd);
    Register(epoll_.get(), fd);
    Api().set_task(0);
  }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
  UniqueFd ours_, theirs_, epoll_;
  uint64_t unseen_ = 0;
  Json last_;
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_PROBE_WAITS_CASE_H_
