// The fiber runtime: a task is a fiber of Boost.Fiber, and all of them share one thread.
//
// The scheduler's own algorithm is the reactor: where it has no fiber to run it waits in epoll.
// Descriptors are registered once, edge-triggered, and each remembers whether it may be ready, so
// that a call which finds nothing costs at most one system call more than a loop written by hand,
// and most find out without one.
#include <cxxabi.h>
#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/protected_fixedsize_stack.hpp>
#include <boost/fiber/scheduler.hpp>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "harness/base/unique_fd.h"
#include "runners/native/native.h"
#include "runners/sdk/io.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/trial.h"

namespace trireme {
namespace {

constexpr Correspondence kTable[] = {
    {"spawn", "boost::fibers::fiber", "switches only where it waits"},
    {"spawn_after", "boost::fibers::fiber that sleeps first", ""},
    {"join", "boost::fibers::condition_variable_any",
     "boost::fibers::fiber::join cannot be cancelled"},
    {"cancel", "ours: a flag, and the fiber is made ready", "cooperative"},
    {"sleep", "boost::fibers::condition_variable_any::wait_until", "so that it can be cancelled"},
    {"checkpoint", "boost::this_fiber::yield", ""},
    {"local", "ours", "as boost::fibers::fiber_specific_ptr"},
    {"settle", "ours, in the scheduling algorithm", "no fiber is ready and epoll has no event"},
    {"timeout", "boost::fibers::condition_variable_any::wait_until", "a deadline over the block"},
    {"pool", "ours: a fiber a function, a bounded number at once", ""},
    {"lock", "ours on boost::fibers::condition_variable_any",
     "boost::fibers::mutex::lock cannot be cancelled"},
    {"rlock", "ours on boost::fibers::condition_variable_any", ""},
    {"semaphore", "ours on boost::fibers::condition_variable_any", "Boost.Fiber has none"},
    {"condition", "ours on boost::fibers::condition_variable_any", ""},
    {"event", "ours on boost::fibers::condition_variable_any", "Boost.Fiber has none"},
    {"queue", "ours on boost::fibers::condition_variable_any",
     "boost::fibers::buffered_channel cannot be cancelled, and holds a power of two"},
    {"listen, connect, accept, recv, send_all",
     "non-blocking sockets, an epoll reactor in the scheduling algorithm", ""},
    {"datagram, recv_from, send_to", "as recv and send_all: recvfrom(2), sendto(2)", ""},
    {"http_server, http_request", "Boost.Beast's parser and serializer",
     "a fiber a connection; Close() ends requests under way"},
    {"offload", "std::thread, then the reactor's eventfd", ""},
    {"subprocess", "posix_spawn(3) and poll(2) on a thread of its own", ""},
    {"resolve", "getaddrinfo(3) on a thread of its own", ""},
    {"periodic", "boost::fibers::fiber that sleeps", ""},
};

constexpr size_t kStackSize = 256 * 1024;
constexpr int kMaxEvents = 128;
// How many fibers may give way before descriptors are looked at, when there is always one that is ready.
constexpr int kPollEvery = 64;

// condition_variable_any wants a lock; one thread needs none.
struct NoLock {
  void lock() const {}
  void unlock() const {}
};

struct FiberTask final : TaskNative {
  boost::fibers::condition_variable_any condition;
  bool unparked = false;
};

FiberTask& Native(TaskState& task) { return static_cast<FiberTask&>(*task.native); }

struct FiberIo final : IoNative {
  // False: a call would have to wait, as far as is known.
  bool readable = true;
  bool writable = true;
  // The end or an error came: nothing more will be signalled, so reading never waits again.
  bool hung_up = false;
  WaitList readers;
  WaitList writers;
};

FiberIo& Native(IoState& io) { return static_cast<FiberIo&>(*io.native); }

// The C++ library keeps what is thrown and caught per thread; a fiber that waits while it unwinds
// takes it along.
class KeepExceptionState {
 public:
  KeepExceptionState() : live_(Live()), saved_(*live_) { *live_ = {}; }
  ~KeepExceptionState() { *live_ = saved_; }
  KeepExceptionState(const KeepExceptionState&) = delete;
  KeepExceptionState& operator=(const KeepExceptionState&) = delete;

 private:
  // The ABI's __cxa_eh_globals, which its header leaves incomplete.
  struct Globals {
    void* caught = nullptr;
    unsigned int uncaught = 0;
  };
  static Globals* Live() { return reinterpret_cast<Globals*>(abi::__cxa_get_globals()); }

  Globals* live_;
  Globals saved_;
};

int TimeoutMs(const std::chrono::steady_clock::time_point& until) {
  if (until == std::chrono::steady_clock::time_point::max()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000));
}

class Reactor final : public boost::fibers::algo::algorithm {
 public:
  Reactor()
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event = {.events = EPOLLIN, .data = {.ptr = nullptr}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  }

  void awakened(boost::fibers::context* fiber) noexcept override { fiber->ready_link(ready_); }

  // Called by the fiber that gives way, with the lock of what it waits for: nobody may be woken here.
  boost::fibers::context* pick_next() noexcept override {
    if (ready_.empty()) return nullptr;
    boost::fibers::context* next = &ready_.front();
    ready_.pop_front();
    return next;
  }

  bool has_ready_fibers() const noexcept override { return !ready_.empty(); }

  void suspend_until(const std::chrono::steady_clock::time_point& until) noexcept override {
    SetCurrentTask(nullptr);
    if (!settlers_.empty()) {
      Poll(0);
      if (!ready_.empty() || TimeoutMs(until) == 0) return;
      GrantSettle();
      if (!ready_.empty()) return;
    }
    Poll(TimeoutMs(until));
  }

  // Before a fiber gives way, while it holds no lock: looks at descriptors now and then although some fiber is ready.
  void GiveWay() {
    if (++gave_way_ % kPollEvery == 0) Poll(0);
  }

  void notify() noexcept override {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
  }

  // From another thread.
  void UnparkSoon(std::shared_ptr<TaskState> task) TRIREME_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      remote_.push_back(std::move(task));
    }
    notify();
  }

  void Unpark(TaskState& task) {
    FiberTask& native = Native(task);
    native.unparked = true;
    native.condition.notify_one();
  }

  void Add(int fd, FiberIo& io) {
    epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &io}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  void Remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  bool Settled(TaskState& asker) {
    if (std::erase(granted_, &asker) > 0) return true;
    if (std::find(settlers_.begin(), settlers_.end(), &asker) == settlers_.end())
      settlers_.push_back(&asker);
    return false;
  }
  void Unsettle(TaskState& asker) {
    std::erase(settlers_, &asker);
    std::erase(granted_, &asker);
  }

 private:
  void Poll(int timeout_ms) noexcept {
    std::array<epoll_event, kMaxEvents> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, timeout_ms);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.ptr == nullptr)
        DrainRemote();
      else
        Signal(*static_cast<FiberIo*>(event.data.ptr), event.events);
    }
  }

  void Signal(FiberIo& io, uint32_t events) {
    const bool over = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (over || (events & EPOLLRDHUP) != 0) io.hung_up = true;
    if (over || (events & (EPOLLIN | EPOLLRDHUP)) != 0) {
      io.readable = true;
      io.readers.WakeAll();
    }
    if (over || (events & EPOLLOUT) != 0) {
      io.writable = true;
      io.writers.WakeAll();
    }
  }

  void DrainRemote() TRIREME_EXCLUDES(mutex_) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof(count));
    std::vector<std::shared_ptr<TaskState>> tasks;
    {
      MutexLock lock(mutex_);
      tasks.swap(remote_);
    }
    for (const auto& task : tasks) Unpark(*task);
  }

  void GrantSettle() {
    for (TaskState* task : std::exchange(settlers_, {})) {
      granted_.push_back(task);
      Unpark(*task);
    }
  }

  boost::fibers::scheduler::ready_queue_type ready_{};
  UniqueFd epoll_;
  UniqueFd wake_;
  unsigned gave_way_ = 0;
  std::vector<TaskState*> settlers_;
  std::vector<TaskState*> granted_;
  Mutex mutex_;
  std::vector<std::shared_ptr<TaskState>> remote_ TRIREME_GUARDED_BY(mutex_);
};

class FiberBackend final : public Backend {
 public:
  std::string_view name() const override { return "fiber"; }
  std::string_view model() const override { return "green"; }
  std::span<const Correspondence> correspondences() const override { return kTable; }
  bool blocking() const override { return true; }
  int socket_flags() const override { return SOCK_NONBLOCK; }

  void Prepare() override {
    thread_ = std::this_thread::get_id();
    auto reactor = std::make_unique<Reactor>();
    reactor_ = reactor.get();
    boost::fibers::context::active()->get_scheduler()->set_algo(
        boost::fibers::algo::algorithm::ptr_t(reactor.release()));
  }

  // Its stack; it runs when this thread's own fiber waits.
  void PrepareMain(const std::shared_ptr<TaskState>& main) override {
    Launch(main, [this] { main_ended_.notify_one(); });
  }

  void RunMain(const std::shared_ptr<TaskState>& main) override {
    Probe().loop_waits(1);  // a loop from the start: main may hold it before any other fiber runs
    Probe().loop_waits(0);
    NoLock lock;
    while (!main->ended) main_ended_.wait(lock);
  }

  std::unique_ptr<TaskNative> NewNative() override { return std::make_unique<FiberTask>(); }

  void Start(const std::shared_ptr<TaskState>& task) override {
    Launch(task, [] {});
  }

  void Linger(int64_t deadline, const std::function<bool()>& done) override {
    while (!done() && static_cast<int64_t>(Probe().now()) < deadline)
      boost::this_fiber::sleep_for(std::chrono::milliseconds(1));
  }

  void Yield() override {
    TaskState& task = CurrentTaskState();
    const KeepExceptionState keep;
    reactor_->GiveWay();
    boost::this_fiber::yield();
    SetCurrentTask(&task);
  }

  void Park(TaskState& task, int64_t deadline) override {
    FiberTask& native = Native(task);
    const KeepExceptionState keep;
    reactor_->GiveWay();
    NoLock lock;
    while (!native.unparked) {
      if (deadline == kNever)
        native.condition.wait(lock);
      else if (native.condition.wait_until(lock, ToTimePoint(deadline)) ==
               boost::fibers::cv_status::timeout)
        break;
    }
    native.unparked = false;
    SetCurrentTask(&task);
  }

  void Unpark(TaskState& task) override {
    if (std::this_thread::get_id() == thread_)
      reactor_->Unpark(task);
    else
      reactor_->UnparkSoon(task.shared_from_this());
  }

  int64_t Io(Point& point, IoState& io, IoCall& call) override {
    if (call.kind == IoCall::Kind::kConnect) return Connect(point, io, call);
    FiberIo& native = Native(io);
    bool& ready = call.direction() == Direction::kRead ? native.readable : native.writable;
    for (;;) {
      if (ready) {
        const int64_t result = AttemptIo(io, call, 0, SOCK_NONBLOCK);
        if (result == kWouldWait)
          ready = false;
        else if (result != -EINTR)
          return Note(point, native, call, result);
      }
      if (!ready) Wait(point, io, call.direction());
      if (io.closed()) return -EBADF;
    }
  }

  void Attach(IoState& io) override {
    auto native = std::make_unique<FiberIo>();
    reactor_->Add(io.fd(), *native);
    io.native = std::move(native);
  }

  void Detach(IoState& io) override {
    reactor_->Remove(io.fd());
    Native(io).readers.WakeAll();
    Native(io).writers.WakeAll();
  }

  bool Settled(TaskState& asker) override { return reactor_->Settled(asker); }
  void Unsettle(TaskState& asker) override { reactor_->Unsettle(asker); }

 private:
  static std::chrono::steady_clock::time_point ToTimePoint(int64_t nanoseconds) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(nanoseconds));
  }

  template <typename F>
  static void Launch(const std::shared_ptr<TaskState>& task, F at_end) {
    boost::fibers::fiber(boost::fibers::launch::post, std::allocator_arg,
                         boost::fibers::protected_fixedsize_stack(kStackSize),
                         [task, at_end] {
                           SetCurrentTask(task.get());
                           Drive(task);
                           SetCurrentTask(nullptr);
                           at_end();
                         })
        .detach();
  }

  // What came did not fill the buffer, so nothing is left; the next edge says when there is more.
  static int64_t Note(Point& point, FiberIo& native, const IoCall& call, int64_t result) {
    if (call.kind == IoCall::Kind::kRecv && result > 0 &&
        result < static_cast<int64_t>(call.size) && !native.hung_up)
      native.readable = false;
    if (result >= 0) point.Moved(result);
    return result;
  }

  void Wait(Point& point, IoState& io, Direction direction) {
    WaitList& line = direction == Direction::kRead ? Native(io).readers : Native(io).writers;
    Waiter waiter{.task = &point.task()};
    point.Wait(io.object().number());
    // Where it is known that a call would have to wait, none is made that the probe would see.
    Probe().wait_for(io.fd(), direction == Direction::kRead ? 0 : 1);
    line.Add(waiter);
    Park(point.task(), point.task().Deadline());
    line.Remove(waiter);
    point.Check();
  }

  int64_t Connect(Point& point, IoState& io, IoCall& call) {
    const int64_t result = AttemptIo(io, call, 0, 0);
    if (result != -EINPROGRESS) return result == kWouldWait ? -EAGAIN : result;
    // A socket that is not connected yet signals too: only poll() knows which.
    for (pollfd entry = {.fd = io.fd(), .events = POLLOUT, .revents = 0};
         ::poll(&entry, 1, 0) == 0;) {
      Wait(point, io, Direction::kWrite);
      if (io.closed()) return -EBADF;
    }
    Native(io).hung_up = false;
    return ConnectResult(io.fd());
  }

  std::thread::id thread_;
  boost::fibers::condition_variable_any main_ended_;
  Reactor* reactor_ = nullptr;  // Boost's scheduler owns it
};

}  // namespace

namespace {

bool OnFiber() {
  const TaskState* const task = CurrentTaskOrNull();
  return task != nullptr && task->backend->name() == "fiber";
}

}  // namespace

std::unique_ptr<Backend> NewFiberBackend() { return std::make_unique<FiberBackend>(); }

}  // namespace trireme

// Stands in for the C library's. The exit of the thread that the fibers share ends Boost's
// scheduler, which waits for every fiber, the caller included: so another thread exits, whose own
// objects are none.
extern "C" void exit(int status) noexcept {
  static const auto next = reinterpret_cast<void (*)(int)>(::dlsym(RTLD_NEXT, "exit"));
  if (trireme::OnFiber()) {
    std::thread([status] { next(status); }).detach();
    for (;;) ::pause();
  }
  next(status);
  __builtin_unreachable();
}
