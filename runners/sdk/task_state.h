#ifndef TRIREME_RUNNERS_SDK_TASK_STATE_H_
#define TRIREME_RUNNERS_SDK_TASK_STATE_H_

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/mutex.h"
#include "runners/sdk/backend.h"
#include "trireme/runtime.h"

namespace trireme {

// A place in the line before something that tasks wait for. Lives as long as its task waits.
struct Waiter {
  TaskState* task = nullptr;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
  bool linked = false;
};

// Tasks that wait for one thing, in the order in which they came. Nobody overtakes: the first in
// line is the only one that may take what they wait for, so a task that releases a lock and takes
// it again at once cannot starve the others. Thread safety: guarded by the mutex of what is waited
// for.
class WaitList {
 public:
  bool IsFirst(const Waiter& waiter) const { return first_ == nullptr || first_ == &waiter; }
  bool empty() const { return first_ == nullptr; }
  void Add(Waiter& waiter);
  void Remove(Waiter& waiter);
  // Removes and gives the first. REQUIRES: !empty().
  Waiter& TakeFirst();
  void WakeFirst();
  void WakeAll();

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

// Where a task called the API. Written by its task, read by any thread: what is read while the task runs on may be of two
// places.
class LastPlace {
 public:
  void Set(const internal::Place& place) {
    file_.store(place.file, std::memory_order_relaxed);
    line_.store(place.line, std::memory_order_relaxed);
    function_.store(place.function, std::memory_order_relaxed);
  }
  // Without a file where it is not known.
  internal::Place Get() const {
    return {file_.load(std::memory_order_relaxed), line_.load(std::memory_order_relaxed),
            function_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<const char*> file_{nullptr};
  std::atomic<int> line_{0};
  std::atomic<const char*> function_{nullptr};
};

// What a backend keeps of a task.
struct TaskNative {
  virtual ~TaskNative() = default;
};

enum class TaskEnd { kReturned, kRaised, kCancelled };

namespace internal {

// One task of a trial. Shared by its handles, and by the runtime until it has ended.
struct TaskState : std::enable_shared_from_this<TaskState> {
  uint32_t number = 0;
  std::string path;
  std::string name;
  Backend* backend = nullptr;
  std::shared_ptr<TaskBody> body;
  std::shared_ptr<PoolCore> pool;
  std::unique_ptr<TaskNative> native;

  // The task's own.
  bool serves = false;  // a loop of the runtime's own, whose points are none of the workload's
  uint64_t ordinal = 0;
  uint32_t spawned = 0;
  TimeoutBlock* timeouts = nullptr;  // innermost
  std::optional<Random> random;
  struct Local {
    std::string name;
    const void* type;
    std::unique_ptr<LocalSlot> slot;
  };
  std::vector<Local> locals;
  std::coroutine_handle<> leaf;  // what goes on when it is unparked, where coroutines suspend

  // Any thread's.
  std::atomic<bool> cancel_requested{false};
  std::atomic<const char*> waiting{nullptr};  // the kind of its point, while it waits
  LastPlace place;                            // of the call of the API that it is in, or was in last
  std::atomic<int> calls{0};                  // of the API that it is in
  std::atomic<uint64_t> waiting_ordinal{0};
  std::atomic<bool> ended{false};
  std::atomic<bool> joined{false};
  std::atomic<bool> detached{false};

  Mutex mutex;
  WaitList joiners TRIREME_GUARDED_BY(mutex);
  TaskEnd end = TaskEnd::kReturned;  // written before `ended`
  std::exception_ptr error;          // the same
  Value described;                   // `error`, as it was known where the task ended

  // The earliest deadline of its blocks that has not fired yet.
  int64_t Deadline() const;
  // Nanoseconds until then; kNever: there is none.
  int64_t TimeLeft() const;
  // Throws what stops it, once.
  void ThrowIfStopped();
  // What trireme_probe_api.point said of the point that it comes to.
  void Suffer(int fault);

 private:
  void ThrowIfLate(int64_t now);
};

// Gives back its place in a pool, if it has one.
void ReleasePlace(TaskState& task);

}  // namespace internal
}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_TASK_STATE_H_
