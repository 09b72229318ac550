// The thread runtime: a task is a std::jthread that blocks in system calls.
//
// A thread in a system call is stopped by a signal whose handler does nothing, so that the call
// fails with EINTR and the task looks at what it was told. A signal that comes just before the call
// is lost; so it is sent again, by a thread that exists only while somebody has to be stopped,
// until it was heeded. Calls that nobody stops pay two plain stores.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <map>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "runners/native/native.h"
#include "runners/sdk/census.h"
#include "runners/sdk/io.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/trial.h"

namespace trireme {
namespace {

constexpr Correspondence kTable[] = {
    {"spawn", "std::jthread", "preempted anywhere, in parallel"},
    {"spawn_after", "std::jthread that sleeps first", ""},
    {"join", "std::condition_variable, then std::jthread::join", ""},
    {"cancel", "std::stop_token in spirit: a flag, and a signal out of a blocking call",
     "cooperative"},
    {"sleep", "std::condition_variable::wait_until", "so that it can be cancelled"},
    {"checkpoint", "std::this_thread::yield", ""},
    {"local", "thread_local", "ours, by task"},
    {"settle", "ours", "every task parked, or asleep in a call where poll() would wait, twice"},
    {"timeout", "ours: poll(2) before the call, wait_until elsewhere", "a deadline over the block"},
    {"pool", "ours: a std::jthread a function, a bounded number at once", ""},
    {"lock", "ours on std::mutex and std::condition_variable",
     "std::mutex::lock cannot be cancelled"},
    {"rlock", "ours on std::mutex and std::condition_variable", ""},
    {"semaphore", "ours on std::mutex and std::condition_variable",
     "std::counting_semaphore cannot be cancelled"},
    {"condition", "ours on std::mutex and std::condition_variable", ""},
    {"event", "ours on std::mutex and std::condition_variable", ""},
    {"queue", "ours on std::mutex and std::condition_variable", "the standard library has none"},
    {"listen, connect, accept, recv, send_all", "blocking sockets: accept4(2), recv(2), send(2)",
     ""},
    {"datagram, recv_from, send_to", "blocking sockets: recvfrom(2), sendto(2)", ""},
    {"http_server, http_request", "Boost.Beast's parser and serializer",
     "a thread a connection; Close() ends requests under way"},
    {"offload", "std::thread", "a plain call would do: a thread may block"},
    {"subprocess", "posix_spawn(3) and poll(2) on a thread of its own", ""},
    {"resolve", "getaddrinfo(3) on a thread of its own", ""},
    {"periodic", "std::jthread that sleeps", ""},
};

constexpr int kInterruptSignal = 34 + 11;  // not the one that asks for stacks
constexpr auto kInterruptAgain = std::chrono::milliseconds(1);

class ThreadTask final : public TaskNative {
 public:
  std::atomic<pid_t> thread{0};
  // Odd while the thread is in a system call that a signal may end; each call has its own number.
  std::atomic<uint32_t> call{0};
  std::atomic<int> fd{-1};
  std::atomic<short> events{0};
  std::atomic<int64_t> deadline{kNever};

  Mutex mutex;
  CondVar condition;
  bool unparked TRIREME_GUARDED_BY(mutex) = false;
  bool parked TRIREME_GUARDED_BY(mutex) = false;
};

ThreadTask& Native(TaskState& task) { return static_cast<ThreadTask&>(*task.native); }

std::chrono::steady_clock::time_point ToTimePoint(int64_t nanoseconds) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(nanoseconds));
}

// Whether the kernel has put a thread of this process to sleep; so too where it does not say. By syscall(2), so that no
// fault that is planned for the workload's own calls meets or counts it.
bool IsAsleep(pid_t thread) {
  std::array<char, 512> text;
  std::snprintf(text.data(), text.size(), "/proc/self/task/%d/stat", thread);
  const auto file =
      static_cast<int>(::syscall(SYS_openat, AT_FDCWD, text.data(), O_RDONLY | O_CLOEXEC));
  if (file < 0) return true;
  const long size = ::syscall(SYS_read, file, text.data(), text.size());
  ::syscall(SYS_close, file);
  if (size <= 0) return true;
  // The name before the state is in parentheses, and may have some itself.
  const std::string_view stat(text.data(), static_cast<size_t>(size));
  const size_t name_end = stat.rfind(") ");
  return name_end == std::string_view::npos || stat.substr(name_end + 2).starts_with('S');
}

short EventsOf(Direction direction) { return direction == Direction::kRead ? POLLIN : POLLOUT; }

// poll(2) until `deadline`: true when ready, false when the time is over or a signal came.
bool PollUntil(int fd, short events, int64_t deadline) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  timespec left{};
  if (deadline != kNever) {
    const int64_t nanoseconds = std::max<int64_t>(deadline - ShownNow(), 0);
    left = {.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
  }
  return ::ppoll(&entry, 1, deadline == kNever ? nullptr : &left, nullptr) > 0;
}

// Marks the time in which a signal may be sent to the thread.
class InCall {
 public:
  InCall(ThreadTask& task, int fd, short events) : task_(task) {
    task_.fd.store(fd, std::memory_order_relaxed);
    task_.events.store(events, std::memory_order_relaxed);
    task_.call.store(task_.call.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  ~InCall() {
    task_.call.store(task_.call.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  InCall(const InCall&) = delete;
  InCall& operator=(const InCall&) = delete;

 private:
  ThreadTask& task_;
};

// Sends the signal again and again to tasks that have something to notice, until they have noticed
// it.
class Interrupter {
 public:
  void Add(std::shared_ptr<TaskState> task) TRIREME_EXCLUDES(mutex_) {
    std::vector<Target> settled;
    MutexLock lock(mutex_);
    const uint32_t call = Native(*task).call.load();
    targets_.push_back({std::move(task), call});
    if (!running_ && !Start()) settled = SendOnce();
  }

  // Whether a task is still in the call that it shall come out of.
  bool IsAwaited() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return std::any_of(targets_.begin(), targets_.end(), InSameCall);
  }

 private:
  struct Target {
    std::shared_ptr<TaskState> task;
    uint32_t call;
  };

  static bool InSameCall(const Target& target) {
    const uint32_t call = Native(*target.task).call.load();
    return call == target.call && call % 2 == 1;
  }

  // False: tasks have taken all threads, and once has to do.
  bool Start() TRIREME_REQUIRES(mutex_) {
    try {
      std::thread([this] { Run(); }).detach();
      running_ = true;
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  void Run() TRIREME_EXCLUDES(mutex_) {
    DeclareOwnThread();
    while (SendAll()) std::this_thread::sleep_for(kInterruptAgain);
  }

  bool SendAll() TRIREME_EXCLUDES(mutex_) {
    std::vector<Target> settled;
    MutexLock lock(mutex_);
    settled = SendOnce();
    running_ = !targets_.empty();
    return running_;
  }

  // Returns who has nothing to notice any more, to be let go once the lock is open: with the last hold on a task goes what it
  // holds, and a descriptor that is closed there comes back to Add().
  std::vector<Target> SendOnce() TRIREME_REQUIRES(mutex_) {
    const auto settled = std::stable_partition(targets_.begin(), targets_.end(), Send);
    std::vector<Target> gone(std::make_move_iterator(settled),
                             std::make_move_iterator(targets_.end()));
    targets_.erase(settled, targets_.end());
    return gone;
  }

  // False when it has nothing to notice any more.
  static bool Send(const Target& target) {
    if (target.task->ended) return false;
    ThreadTask& native = Native(*target.task);
    const uint32_t call = native.call.load();
    if (!target.task->cancel_requested && !InSameCall(target)) return false;
    if (call % 2 == 1) ::syscall(SYS_tgkill, ::getpid(), native.thread.load(), kInterruptSignal);
    return true;
  }

  Mutex mutex_;
  std::vector<Target> targets_ TRIREME_GUARDED_BY(mutex_);
  bool running_ TRIREME_GUARDED_BY(mutex_) = false;
};

class ThreadBackend final : public Backend {
 public:
  ThreadBackend() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(kInterruptSignal, &action, nullptr);  // without SA_RESTART: calls end with EINTR
  }

  std::string_view name() const override { return "thread"; }
  std::string_view model() const override { return "native"; }
  std::span<const Correspondence> correspondences() const override { return kTable; }
  bool blocking() const override { return true; }
  int socket_flags() const override { return 0; }

  void RunMain(const std::shared_ptr<TaskState>& main) override { RunHere(main); }

  std::unique_ptr<TaskNative> NewNative() override { return std::make_unique<ThreadTask>(); }

  void Start(const std::shared_ptr<TaskState>& task) override {
    JoinFinished();
    MutexLock lock(mutex_);
    threads_.emplace(task->number, std::jthread([this, task] {
                       RunHere(task);
                       MutexLock finishing(mutex_);
                       finished_.push_back(task->number);
                     }));
  }

  void Reap(TaskState& task) override {
    if (std::jthread thread = TakeThread(task.number); thread.joinable()) thread.join();
  }

  void Linger(int64_t deadline, const std::function<bool()>& done) override {
    while (!done() && static_cast<int64_t>(Probe().now()) < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    JoinFinished();
  }

  void Yield() override { std::this_thread::yield(); }

  void Park(TaskState& task, int64_t deadline) override {
    ThreadTask& native = Native(task);
    MutexLock lock(native.mutex);
    native.deadline.store(deadline);
    native.parked = true;
    while (!native.unparked) {
      if (deadline == kNever)
        native.condition.Wait(native.mutex);
      else if (!native.condition.WaitUntil(native.mutex, ToTimePoint(deadline)))
        break;
    }
    native.parked = false;
    native.unparked = false;
  }

  void Unpark(TaskState& task) override {
    ThreadTask& native = Native(task);
    MutexLock lock(native.mutex);
    native.unparked = true;
    native.condition.NotifyOne();
  }

  void Interrupt(TaskState& task) override {
    Unpark(task);
    interrupter_.Add(task.shared_from_this());
  }

  int64_t Io(Point& point, IoState& io, IoCall& call) override {
    if (call.kind == IoCall::Kind::kConnect) return Connect(point, io, call);
    // What is most often there at once is asked for first: a send, and the next part of what was
    // not read whole.
    if (call.writes() || (call.reads() && !io.drained)) {
      const int64_t result = AttemptIo(io, call, MSG_DONTWAIT, 0);
      if (result != kWouldWait && result != -EINTR) return Note(io, call, result);
    }
    point.Wait(io.object().number());
    return Note(io, call, Block(point, io, call));
  }

  void Detach(IoState& io) override {
    for (const auto& task : LiveTasks()) {
      const ThreadTask& native = Native(*task);
      if (native.call.load() % 2 == 1 && native.fd.load() == io.fd()) interrupter_.Add(task);
    }
  }

  bool Settled(TaskState& asker) override {
    const uint64_t before = Fingerprint(asker);
    if (before == 0 || interrupter_.IsAwaited()) return false;
    std::this_thread::yield();
    return Fingerprint(asker) == before;
  }

  // Nobody can say that the last other thread fell asleep.
  int64_t SettleInterval() const override { return 500'000; }

 private:
  static void RunHere(const std::shared_ptr<TaskState>& task) {
    Native(*task).thread = ::gettid();
    SetCurrentTask(task.get());
    Drive(task);
    SetCurrentTask(nullptr);
  }

  std::jthread TakeThread(uint32_t number) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const auto found = threads_.extract(number);
    return found.empty() ? std::jthread() : std::move(found.mapped());
  }

  // Threads whose tasks have ended go, whether or not somebody asks for their results.
  void JoinFinished() TRIREME_EXCLUDES(mutex_) {
    std::vector<uint32_t> finished;
    {
      MutexLock lock(mutex_);
      finished.swap(finished_);
    }
    for (const uint32_t number : finished) TakeThread(number);
  }

  static int64_t Note(IoState& io, const IoCall& call, int64_t result) {
    if (call.kind == IoCall::Kind::kRecv)
      io.drained.store(result < static_cast<int64_t>(call.size), std::memory_order_relaxed);
    if (result > 0 && call.kind == IoCall::Kind::kConnect) return 0;
    return result;
  }

  static int64_t Block(Point& point, IoState& io, IoCall& call) {
    ThreadTask& native = Native(point.task());
    for (;;) {
      point.Check();
      if (io.closed()) return -EBADF;
      const int64_t deadline = point.task().Deadline();
      const InCall in_call(native, io.fd(), EventsOf(call.direction()));
      if (point.task().cancel_requested) continue;
      if (deadline != kNever && !PollUntil(io.fd(), EventsOf(call.direction()), deadline)) continue;
      const int64_t result = AttemptIo(io, call, deadline == kNever ? 0 : MSG_DONTWAIT, 0);
      if (result != -EINTR && result != kWouldWait) {
        if (io.closed()) return -EBADF;
        if (result >= 0) point.Moved(result);
        return result;
      }
    }
  }

  // connect(2) goes on by itself after a signal, so it never blocks: what waits is poll(2).
  static int64_t Connect(Point& point, IoState& io, IoCall& call) {
    const int flags = ::fcntl(io.fd(), F_GETFL);
    ::fcntl(io.fd(), F_SETFL, flags | O_NONBLOCK);
    int64_t result = AttemptIo(io, call, 0, 0);
    if (result == -EINPROGRESS || result == kWouldWait) {
      point.Wait(io.object().number());
      while (true) {
        point.Check();
        const InCall in_call(Native(point.task()), io.fd(), POLLOUT);
        if (point.task().cancel_requested) continue;
        if (PollUntil(io.fd(), POLLOUT, point.task().Deadline())) break;
      }
      result = ConnectResult(io.fd());
    }
    ::fcntl(io.fd(), F_SETFL, flags);
    return result;
  }

  // Not 0 when every other task is parked, or in a call that would wait; then a number that changes
  // when one of them ran.
  static uint64_t Fingerprint(const TaskState& asker) {
    uint64_t sum = 1;
    for (const auto& task : LiveTasks()) {
      if (task.get() == &asker) continue;
      if (!IsBlocked(*task)) return 0;
      sum = sum * 31 + task->waiting_ordinal * 7 + task->number + Native(*task).call.load();
    }
    return sum;
  }

  static bool IsBlocked(TaskState& task) {
    ThreadTask& native = Native(task);
    if (native.call.load() % 2 == 1) {
      pollfd entry{.fd = native.fd.load(), .events = native.events.load(), .revents = 0};
      // Marked as inside, it may not be there yet: whoever settles counts on it.
      return !task.cancel_requested && ::poll(&entry, 1, 0) == 0 && IsAsleep(native.thread.load());
    }
    MutexLock lock(native.mutex);
    return native.parked && !native.unparked && native.deadline.load() > ShownNow();
  }

  Interrupter interrupter_;
  Mutex mutex_;
  std::map<uint32_t, std::jthread> threads_
      TRIREME_GUARDED_BY(mutex_);                              // by the number of the task
  std::vector<uint32_t> finished_ TRIREME_GUARDED_BY(mutex_);  // their threads are about to end
};

}  // namespace

std::unique_ptr<Backend> NewThreadBackend() { return std::make_unique<ThreadBackend>(); }

}  // namespace trireme
