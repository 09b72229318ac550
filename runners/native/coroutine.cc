// The coroutine runtime: a task is a chain of C++20 coroutines that Boost.Asio's loop resumes, on
// one thread.
//
// Input and output are by readiness: the system call is made first, and only when it would block
// does the coroutine wait for the descriptor with async_wait(). A waiter that is cancelled goes on
// at once; its pending async_wait() completes some time later, finds that the task has moved on,
// and touches nothing. (Cancelling it would cancel its neighbours too: in this Asio all operations
// on a descriptor are cancelled together.) A stream that was just emptied is first looked at once
// more when the other handlers that are ready have run (SecondLook).
#include <poll.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <optional>
#include <thread>

#include "runners/native/native.h"
#include "runners/sdk/io.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/trial.h"

namespace trireme {
namespace {

namespace asio = boost::asio;

constexpr Correspondence kTable[] = {
    {"spawn", "a C++20 coroutine, begun by boost::asio::post", "switches only at co_await"},
    {"spawn_after", "a coroutine that sleeps first", ""},
    {"join", "ours: the joiner is resumed by boost::asio::post", ""},
    {"cancel", "ours: a flag, and the coroutine is resumed", "cooperative"},
    {"sleep", "boost::asio::steady_timer", ""},
    {"checkpoint", "boost::asio::post", ""},
    {"local", "ours", ""},
    {"settle", "ours: io_context::poll_one has nothing to run", ""},
    {"timeout", "boost::asio::steady_timer", "a deadline over the block"},
    {"pool", "ours: a coroutine a function, a bounded number at once", ""},
    {"lock", "ours", "Asio has none"},
    {"rlock", "ours", "Asio has none"},
    {"semaphore", "ours", "Asio has none"},
    {"condition", "ours", "Asio has none"},
    {"event", "ours", "Asio has none"},
    {"queue", "ours", "Asio 1.74 has none"},
    {"listen, connect, accept, recv, send_all",
     "boost::asio::posix::stream_descriptor::async_wait, non-blocking sockets", ""},
    {"datagram, recv_from, send_to", "as recv and send_all: recvfrom(2), sendto(2)", ""},
    {"http_server, http_request", "Boost.Beast's parser and serializer",
     "a coroutine a connection; Close() ends requests under way"},
    {"offload", "std::thread, then boost::asio::post", ""},
    {"subprocess", "posix_spawn(3) and poll(2) on a thread of its own", ""},
    {"resolve", "getaddrinfo(3) on a thread of its own", ""},
    {"periodic", "a coroutine that sleeps", ""},
};

struct CoroutineTask final : TaskNative {
  explicit CoroutineTask(asio::io_context& loop) : timer(loop) {}
  asio::steady_timer timer;
  uint64_t parking = 0;  // counts Suspend(): what was arranged for an earlier one is an orphan
  bool parked = false;
  bool unparked = false;
  bool timed = false;
};

CoroutineTask& Native(TaskState& task) { return static_cast<CoroutineTask&>(*task.native); }

// Whether to read again after the other handlers, before the kernel is asked to tell when there is
// something: on a busy loop there often is by then, which saves that call and a round of the loop.
// A look that finds nothing costs a call, so the next one comes twice as many waits later.
class SecondLook {
 public:
  // The stream was emptied by the read before, and nobody has tried since.
  void NoteUntried() { untried_ = true; }
  // Of the wait that begins.
  bool IsDue() {
    if (!std::exchange(untried_, false) || ++waits_ < interval_) return false;
    waits_ = 0;
    return looks_ = true;
  }
  // Of the read that ends.
  void NoteResult(bool found) {
    if (!std::exchange(looks_, false)) return;
    interval_ = found ? 1 : std::min(interval_ * 2, kMostWaits);
  }

 private:
  static constexpr int kMostWaits = 16;
  bool untried_ = false;
  bool looks_ = false;
  int interval_ = 1;
  int waits_ = 0;
};

struct CoroutineIo final : IoNative {
  CoroutineIo(asio::io_context& loop, int fd) : descriptor(loop, fd) {}
  asio::posix::stream_descriptor descriptor;
  SecondLook second_look;
};

CoroutineIo& Native(IoState& io) { return static_cast<CoroutineIo&>(*io.native); }

template <typename F>
void RunAs(const std::shared_ptr<TaskState>& task, F run) {
  TaskState* const before = CurrentTaskOrNull();
  SetCurrentTask(task.get());
  run();
  if (!task->ended && !Native(*task).parked) EndLost(task);
  SetCurrentTask(before);
}

// A handler that resumes the task, if it is still parked where it was when this was made.
class Resumer {
 public:
  explicit Resumer(TaskState& task)
      : task_(task.shared_from_this()), parking_(Native(task).parking) {}

  void operator()(const boost::system::error_code& = {}) const {
    CoroutineTask& native = Native(*task_);
    if (!native.parked || native.parking != parking_) return;
    native.parked = false;
    native.unparked = false;
    if (std::exchange(native.timed, false)) native.timer.cancel();
    RunAs(task_, [this] { task_->leaf.resume(); });
  }

 private:
  std::shared_ptr<TaskState> task_;
  uint64_t parking_;
};

class CoroutineBackend final : public Backend {
 public:
  std::string_view name() const override { return "coroutine"; }
  std::string_view model() const override { return "async"; }
  std::span<const Correspondence> correspondences() const override { return kTable; }
  bool blocking() const override { return false; }
  int socket_flags() const override { return SOCK_NONBLOCK; }

  void Prepare() override {
    thread_ = std::this_thread::get_id();
    // Not with a hint of one thread: what a handler posts would then wait for that handler's end,
    // and WaitHere() runs the loop from inside one.
    loop_.emplace();
    work_.emplace(loop_->get_executor());
    // Asio opens its descriptors when it first needs them: now, so that they are not taken for the
    // workload's.
    const asio::posix::stream_descriptor reactor(*loop_);
    const asio::steady_timer timer(*loop_);
  }

  void RunMain(const std::shared_ptr<TaskState>& main) override {
    Start(main);
    while (!main->ended) Step();
  }

  std::unique_ptr<TaskNative> NewNative() override {
    return std::make_unique<CoroutineTask>(*loop_);
  }

  void Start(const std::shared_ptr<TaskState>& task) override {
    asio::post(*loop_, [task] { RunAs(task, [&task] { Drive(task); }); });
  }

  void Linger(int64_t deadline, const std::function<bool()>& done) override {
    while (!done() && static_cast<int64_t>(Probe().now()) < deadline)
      loop_->run_one_for(std::chrono::milliseconds(1));
  }

  // A destructor cannot suspend; so what it waits for runs from here.
  void WaitHere(TaskState& awaited) override {
    TaskState* const before = CurrentTaskOrNull();
    SetCurrentTask(nullptr);  // what the loop waits for here it waits for on nobody's behalf
    while (!awaited.ended) Step();
    SetCurrentTask(before);
  }

  void Suspend(TaskState& task, int64_t deadline, IoState* io, Direction direction) override {
    CoroutineTask& native = Native(task);
    native.parked = true;
    ++native.parking;
    if (native.unparked) return Unpark(task);
    if (deadline != kNever) {
      native.timed = true;
      native.timer.expires_at(
          std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline)));
      native.timer.async_wait(Resumer(task));
    }
    if (io == nullptr) return;
    if (direction == Direction::kRead && Native(*io).second_look.IsDue()) {
      Probe().wait_for(io->fd(), 0);
      asio::post(*loop_, Resumer(task));
      return;
    }
    using Wait = asio::posix::descriptor_base;
    Native(*io).descriptor.async_wait(
        direction == Direction::kRead ? Wait::wait_read : Wait::wait_write, Resumer(task));
  }

  void Unpark(TaskState& task) override {
    if (std::this_thread::get_id() != thread_) {
      asio::post(*loop_, [this, shared = task.shared_from_this()] { Unpark(*shared); });
      return;
    }
    CoroutineTask& native = Native(task);
    native.unparked = true;
    if (native.parked) asio::post(*loop_, Resumer(task));
  }

  int64_t Io(Point& point, IoState& io, IoCall& call) override {
    if (call.kind == IoCall::Kind::kConnect) return Connect(io, call);
    const bool reads = call.kind == IoCall::Kind::kRecv;
    // A stream that gave less than was asked for is empty: what comes next has to be waited for.
    if (reads && io.drained.exchange(false, std::memory_order_relaxed)) {
      Native(io).second_look.NoteUntried();
      return kWouldWait;
    }
    int64_t result = 0;
    do result = AttemptIo(io, call, 0, SOCK_NONBLOCK);
    while (result == -EINTR);
    if (reads) Native(io).second_look.NoteResult(result != kWouldWait);
    if (result < 0) return result;
    point.Moved(result);
    if (reads && result > 0 && result < static_cast<int64_t>(call.size))
      io.drained.store(true, std::memory_order_relaxed);
    return result;
  }

  void Attach(IoState& io) override { io.native = std::make_unique<CoroutineIo>(*loop_, io.fd()); }
  void Detach(IoState& io) override { Native(io).descriptor.release(); }

  bool Settled(TaskState& asker) override {
    if (std::erase(granted_, &asker) > 0) return true;
    if (std::find(settlers_.begin(), settlers_.end(), &asker) == settlers_.end())
      settlers_.push_back(&asker);
    return false;
  }
  void Unsettle(TaskState& asker) override {
    std::erase(settlers_, &asker);
    std::erase(granted_, &asker);
  }

 private:
  void Step() {
    if (settlers_.empty()) {
      loop_->run_one();
      return;
    }
    if (loop_->poll_one() > 0) return;
    for (TaskState* task : std::exchange(settlers_, {})) {
      granted_.push_back(task);
      Unpark(*task);
    }
  }

  // Called again once the socket is writable, or was for a moment before it was connected.
  static int64_t Connect(IoState& io, IoCall& call) {
    if (!io.drained.exchange(true)) {
      const int64_t result = AttemptIo(io, call, 0, 0);
      if (result != -EINPROGRESS) io.drained = false;
      if (result == kWouldWait) return -EAGAIN;
      return result == -EINPROGRESS ? kWouldWait : result;
    }
    pollfd entry = {.fd = io.fd(), .events = POLLOUT, .revents = 0};
    if (::poll(&entry, 1, 0) == 0) return kWouldWait;
    io.drained = false;
    return ConnectResult(io.fd());
  }

  std::optional<asio::io_context> loop_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::thread::id thread_;
  std::vector<TaskState*> settlers_;
  std::vector<TaskState*> granted_;
};

}  // namespace

std::unique_ptr<Backend> NewCoroutineBackend() { return std::make_unique<CoroutineBackend>(); }

}  // namespace trireme
