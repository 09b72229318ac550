#include "trireme/tasks.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>

#include "harness/base/rng.h"
#include "runners/sdk/exceptions.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/registry.h"
#include "runners/sdk/sync_object.h"
#include "runners/sdk/trial.h"
#include "runners/sdk/wait.h"

namespace trireme {
namespace internal {

// Places for the functions of a pool; the tasks that run them give them back as they end.
class PoolCore {
 public:
  PoolCore(Runtime& rt, size_t size, const Place& place)
      : rt_(rt), object_("pool", size, place), free_(size) {}

  Runtime& runtime() { return rt_; }
  const SyncObject& object() const { return object_; }
  bool Take(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (free_ == 0 || !waiters_.IsFirst(waiter)) {
      waiters_.Add(waiter);
      return false;
    }
    waiters_.Remove(waiter);
    if (--free_ > 0) waiters_.WakeFirst();
    return true;
  }
  void AbandonTake(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    if (!waiter.linked) return;
    MutexLock lock(mutex_);
    waiters_.Remove(waiter);
    if (free_ > 0) waiters_.WakeFirst();
  }
  // The place that was taken is this task's from now on.
  void Give(const std::shared_ptr<TaskState>& task) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    object_.RecordFor(task->number, "acquire");
    tasks_.emplace(task->number, task);
  }
  void Release(const TaskState& task) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    object_.RecordFor(task.number, "release");
    tasks_.erase(task.number);
    ++free_;
    waiters_.WakeFirst();
  }
  // One that has a place; null when none has.
  std::shared_ptr<TaskState> AnyTask() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return tasks_.empty() ? nullptr : tasks_.begin()->second;
  }

 private:
  Runtime& rt_;
  const SyncObject object_;
  Mutex mutex_;
  size_t free_ TRIREME_GUARDED_BY(mutex_);
  std::map<uint32_t, std::shared_ptr<TaskState>> tasks_ TRIREME_GUARDED_BY(mutex_);  // by number
  WaitList waiters_ TRIREME_GUARDED_BY(mutex_);
};

namespace {

class TakePlace : public WaitOperation {
 public:
  TakePlace(TaskState& task, PoolCore* pool) : pool_(*pool), waiter_{.task = &task} {}
  ~TakePlace() { pool_.AbandonTake(waiter_); }
  bool Try() { return pool_.Take(waiter_); }
  uint64_t Awaited() const { return pool_.object().number(); }

 private:
  PoolCore& pool_;
  Waiter waiter_;
};

class WaitTask : public WaitOperation {
 public:
  WaitTask(TaskState& task, std::shared_ptr<TaskState> awaited)
      : awaited_(std::move(awaited)), waiter_{.task = &task} {}
  ~WaitTask() {
    MutexLock lock(awaited_->mutex);
    awaited_->joiners.Remove(waiter_);
  }
  bool Try() {
    MutexLock lock(awaited_->mutex);
    if (awaited_->ended) return true;
    awaited_->joiners.Add(waiter_);
    return false;
  }
  uint64_t Awaited() const { return awaited_->number; }

 private:
  std::shared_ptr<TaskState> awaited_;
  Waiter waiter_;
};

// One of those that a pool's joiner waits for.
class WaitPooled : public WaitTask {
 public:
  WaitPooled(TaskState& task, std::shared_ptr<TaskState> awaited, uint64_t pool)
      : WaitTask(task, std::move(awaited)), pool_(pool) {}
  uint64_t Awaited() const { return pool_; }

 private:
  uint64_t pool_;
};

class WaitUntil : public WaitOperation {
 public:
  WaitUntil(TaskState&, int64_t until) : until_(until) {}
  bool Try() const { return ShownNow() >= until_; }
  int64_t WakeAt() const { return until_; }

 private:
  int64_t until_;
};

// The first try makes sure that the task will be resumed, after the others.
class LetOthersRun : public WaitOperation {
 public:
  explicit LetOthersRun(TaskState& task) : task_(task) {}
  bool Try() {
    if (tried_) return true;
    tried_ = true;
    task_.backend->Unpark(task_);
    return false;
  }

 private:
  TaskState& task_;
  bool tried_ = false;
};

class WaitSettled : public WaitOperation {
 public:
  explicit WaitSettled(TaskState& task) : task_(task) {}
  ~WaitSettled() { task_.backend->Unsettle(task_); }
  bool Try() { return task_.backend->Settled(task_); }
  int64_t WakeAt() const {
    const int64_t interval = task_.backend->SettleInterval();
    return interval == kNever ? kNever : ShownNow() + interval;
  }

 private:
  TaskState& task_;
};

Task<> JoinSuspending(std::shared_ptr<TaskState> task, Task<> ended) {
  co_await std::move(ended);
  TakeResult(*task);
}

// What is further off than 1e18 ns, 31 years, nobody sees: it is cut there.
int64_t TimeAfter(double seconds) {
  if (!std::isfinite(seconds)) {
    throw std::invalid_argument("a finite number of seconds is needed, not " +
                                std::to_string(seconds));
  }
  return ShownNow() + static_cast<int64_t>(std::clamp(seconds * 1e9, -1e18, 1e18));
}

Task<> SleepFor(const char* kind, double seconds) {
  return Await<WaitUntil>(kind, TimeAfter(seconds));
}

}  // namespace

TaskBody::~TaskBody() = default;

// Instead of Drive(), for one that could not be started; whoever spawned it is told.
static void EndUnstarted(const std::shared_ptr<TaskState>& task) {
  task->end = TaskEnd::kRaised;
  task->error = std::current_exception();
  task->joined = true;
  task->body = nullptr;  // and what it was to have: a stream, a listener
  Finish(task);
}

std::shared_ptr<TaskState> StartTask(Runtime&, SpawnOptions options,
                                     std::shared_ptr<TaskBody> body) {
  TaskState& parent = CurrentTaskState();
  auto task = std::make_shared<TaskState>();
  task->number = Probe().new_task();
  task->path = parent.path + "." + std::to_string(++parent.spawned);
  task->name = options.name.empty() ? "task-" + task->path : std::move(options.name);
  task->backend = parent.backend;
  task->native = task->backend->NewNative();
  task->body = std::move(body);
  task->pool = std::move(options.pool);
  task->detached = task->pool != nullptr;
  RecordFor(task->number, TRIREME_TASK_START, parent.number, task->path, task->name);
  TaskRegistry::Get().Add(task);
  if (task->pool != nullptr) task->pool->Give(task);
  try {
    task->backend->Start(task);
  } catch (...) {
    EndUnstarted(task);
    throw;
  }
  return task;
}

Task<> SleepBefore(double seconds) {
  ComeTo(Place::Unknown());
  return SleepFor("sleep", seconds);
}

Task<> WaitEnd(std::shared_ptr<TaskState> task) { return Await<WaitTask>("join", std::move(task)); }

Task<> JoinTask(std::shared_ptr<TaskState> task) {
  Task<> ended = WaitEnd(task);
  if (!ended.is_ready()) return JoinSuspending(std::move(task), std::move(ended));
  TakeResult(*task);
  return Done();
}

void TakeResult(TaskState& task) {
  if (!task.joined.exchange(true)) task.backend->Reap(task);
  if (TaskState* joiner = CurrentTaskOrNull(); joiner != nullptr)
    RecordFor(joiner->number, TRIREME_JOIN, task.number, {});
  if (task.error) std::rethrow_exception(task.error);
}

void CancelTask(TaskState& task) {
  if (task.ended.load(std::memory_order_acquire)) return;
  Record(TRIREME_CANCEL, task.number, {});
  task.cancel_requested.store(true, std::memory_order_release);
  task.backend->Interrupt(task);
}

void CancelAndJoin(TaskState& task) noexcept {
  if (task.joined || task.detached) return;
  CancelTask(task);
  AwaitEnd(task);
}

void AwaitEnd(TaskState& task) noexcept {
  if (task.joined) return;
  const KeepLastThrown keep;
  if (!task.backend->blocking())
    task.backend->WaitHere(task);
  else if (TaskState* self = CurrentTaskOrNull(); self != nullptr) {
    WaitTask operation(*self, task.shared_from_this());
    while (!operation.Try()) self->backend->Park(*self, kNever);
  }
  task.backend->Reap(task);
}

void DetachTask(TaskState& task) { task.detached = true; }

bool TaskEnded(const TaskState& task) { return task.ended.load(std::memory_order_acquire); }
const std::string& TaskName(const TaskState& task) { return task.name; }
const std::string& TaskPath(const TaskState& task) { return task.path; }

std::shared_ptr<PoolCore> MakePool(Runtime& rt, size_t size, const Place& place) {
  if (size == 0)
    throw std::invalid_argument(
        "rt.Pool(0): a pool has at least one place, or nothing submitted to it would ever run");
  return std::make_shared<PoolCore>(rt, size, place);
}
Runtime& RuntimeOf(PoolCore& pool) { return pool.runtime(); }
Task<> TakeSlot(std::shared_ptr<PoolCore> pool) { return Await<TakePlace>("pool", pool.get()); }

Task<> JoinPool(std::shared_ptr<PoolCore> pool) {
  CurrentTaskState().ThrowIfStopped();
  while (std::shared_ptr<TaskState> task = pool->AnyTask())
    co_await Await<WaitPooled>("pool-join", std::move(task), pool->object().number());
}

void ReleasePlace(TaskState& task) {
  if (task.pool != nullptr) std::exchange(task.pool, nullptr)->Release(task);
}

LocalSlot* FindLocal(std::string_view name, const void* type) {
  for (const TaskState::Local& local : CurrentTaskState().locals)
    if (local.name == name && local.type == type) return local.slot.get();
  return nullptr;
}

LocalSlot* AddLocal(std::string_view name, const void* type, std::unique_ptr<LocalSlot> slot) {
  auto& locals = CurrentTaskState().locals;
  locals.push_back({.name = std::string(name), .type = type, .slot = std::move(slot)});
  return locals.back().slot.get();
}

TimeoutBlock::TimeoutBlock(double seconds)
    : deadline_(TimeAfter(seconds)), outer_(CurrentTaskState().timeouts) {
  CurrentTaskState().timeouts = this;
}

TimeoutBlock::~TimeoutBlock() { CurrentTaskState().timeouts = outer_; }

Task<> GiveWay(const char* kind) {
  TaskState& task = CurrentTaskState();
  if (!task.backend->blocking()) return Await<LetOthersRun>(kind);
  const Point point(kind);
  task.backend->Yield();
  return Done();
}

}  // namespace internal

// A sleep of nothing lets others run, as it does in Python: programs rely on it.
Task<> Runtime::Sleep(double seconds, internal::Place place) {
  internal::ComeTo(place);
  return seconds <= 0 ? internal::GiveWay("sleep") : internal::SleepFor("sleep", seconds);
}

Task<> Runtime::Checkpoint(internal::Place place) {
  internal::ComeTo(place);
  return internal::GiveWay("checkpoint");
}

Task<> Runtime::Settle(internal::Place place) {
  internal::ComeTo(place);
  return Await<internal::WaitSettled>("settle");
}

TaskInfo Runtime::CurrentTask() const {
  const TaskState& task = CurrentTaskState();
  return {.path = task.path, .name = task.name};
}

Random& Runtime::random() {
  TaskState& task = CurrentTaskState();
  if (!task.random) task.random.emplace(TaskRegistry::Get().inputs(), task.path);
  return *task.random;
}

Random::Random(uint64_t inputs, std::string_view path) : Random(Mix64(inputs ^ Hash64(path))) {}

uint64_t Random::Next() {
  constexpr uint64_t kStep = 0x9e3779b97f4a7c15;  // that Mix64() adds
  const uint64_t value = Mix64(state_);
  state_ += kStep;
  return value;
}

double Runtime::Now() const { return static_cast<double>(ShownNow()) * 1e-9; }

Runtime::~Runtime() = default;

void Runtime::NotAvailable(std::string_view what) {
  throw Unsupported(std::string(what) + ": not available yet");
}

}  // namespace trireme
