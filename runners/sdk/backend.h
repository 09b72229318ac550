#ifndef TRIREME_RUNNERS_SDK_BACKEND_H_
#define TRIREME_RUNNERS_SDK_BACKEND_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

namespace trireme {

namespace internal {
struct TaskState;
}
using internal::TaskState;
struct TaskNative;
class IoState;
class Point;
struct IoCall;

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// What an attempt gives that would have to wait.
inline constexpr int64_t kWouldWait = std::numeric_limits<int64_t>::min();

enum class Direction { kRead, kWrite };

// One row of the table of correspondences: what a name of the workload API is made of in this
// runtime.
struct Correspondence {
  std::string_view api;
  std::string_view native;
  std::string_view note;
};

// A runtime: how tasks run and wait. Everything else of the workload API is built on this, once.
//
// A task waits by being parked. Unpark() lets it go on, and is remembered when it comes first; a
// parked task may go on for no reason, so whoever parks tests again what it waits for. Times are
// nanoseconds of ShownNow().
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view model() const = 0;
  virtual std::span<const Correspondence> correspondences() const = 0;

  // True: Park() and Io() wait where they are called. False: what has to wait suspends its
  // coroutine and calls Suspend().
  virtual bool blocking() const = 0;
  // SOCK_NONBLOCK, or 0 where tasks block in system calls.
  virtual int socket_flags() const = 0;
  // Once, in the trial's own process: what a fork must not share, and no census shall count.
  virtual void Prepare() {}
  // What it takes to run main, which a limit that holds from main's first statement on must leave it.
  virtual void PrepareMain(const std::shared_ptr<TaskState>& /*main*/) {}
  // Runs Drive(main), and lets other tasks run until it has ended.
  virtual void RunMain(const std::shared_ptr<TaskState>& main) = 0;
  // What it keeps of a task: asked for before any other thread can see the task.
  virtual std::unique_ptr<TaskNative> NewNative() = 0;
  // Has Drive(task) run soon.
  virtual void Start(const std::shared_ptr<TaskState>& task) = 0;
  // The task has ended and was waited for: what it was made of can go.
  virtual void Reap(TaskState&) {}
  // After main: lets the others run until `done` holds or Probe().now(), the true time, is
  // `deadline`.
  virtual void Linger(int64_t deadline, const std::function<bool()>& done) = 0;
  // REQUIRES: !blocking(). Waits for the end of `awaited` without a coroutine, whatever happens:
  // for destructors.
  virtual void WaitHere(TaskState&) {}

  // Lets other tasks run. REQUIRES: blocking().
  virtual void Yield() {}
  // REQUIRES: blocking(). Returns when unparked, or at `deadline`.
  virtual void Park(TaskState&, int64_t) {}
  // REQUIRES: !blocking(); the task's leaf is set. Resumes it when unparked, at `deadline`, or when
  // `io` is ready.
  virtual void Suspend(TaskState&, int64_t, IoState*, Direction) {}
  // Any thread may call this.
  virtual void Unpark(TaskState& task) = 0;
  // Unpark(), and out of a system call too: the task has something to notice.
  virtual void Interrupt(TaskState& task) { Unpark(task); }

  // Makes the call; its result, or -errno. Where it has to wait a blocking runtime waits, another
  // gives kWouldWait.
  virtual int64_t Io(Point& point, IoState& io, IoCall& call) = 0;
  // A descriptor comes into use; goes out of use (wakes who waits for it).
  virtual void Attach(IoState&) {}
  virtual void Detach(IoState& io) = 0;

  // Whether every task but `asker` is blocked. One that is told no is unparked when that may have
  // changed.
  virtual bool Settled(TaskState& asker) = 0;
  // It asks no more.
  virtual void Unsettle(TaskState&) {}
  // How long until it is worth asking again without having been unparked.
  virtual int64_t SettleInterval() const { return kNever; }
};

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_BACKEND_H_
