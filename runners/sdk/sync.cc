#include "trireme/sync.h"

#include <stdexcept>

#include "runners/sdk/sync_object.h"
#include "runners/sdk/wait.h"

namespace trireme {
namespace internal {

// A number of permits, taken in the order in which they were asked for.
class SemaphoreCore {
 public:
  SemaphoreCore(size_t count, const Place& place)
      : object_("semaphore", count, place), count_(count) {}

  const SyncObject& object() const { return object_; }
  bool Acquire(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (count_ == 0 || !waiters_.IsFirst(waiter)) {
      waiters_.Add(waiter);
      return false;
    }
    waiters_.Remove(waiter);
    object_.Record("acquire");
    if (--count_ > 0) waiters_.WakeFirst();
    return true;
  }
  void Abandon(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    if (!waiter.linked) return;
    MutexLock lock(mutex_);
    waiters_.Remove(waiter);
    if (count_ > 0) waiters_.WakeFirst();
  }
  void Release() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    object_.Record("release");
    ++count_;
    waiters_.WakeFirst();
  }

 private:
  const SyncObject object_;
  Mutex mutex_;
  size_t count_ TRIREME_GUARDED_BY(mutex_);
  WaitList waiters_ TRIREME_GUARDED_BY(mutex_);
};

class AcquirePermit : public WaitOperation {
 public:
  AcquirePermit(TaskState& task, SemaphoreCore* core) : core_(*core), waiter_{.task = &task} {}
  ~AcquirePermit() { core_.Abandon(waiter_); }
  bool Try() { return core_.Acquire(waiter_); }
  uint64_t Awaited() const { return core_.object().number(); }

 private:
  SemaphoreCore& core_;
  Waiter waiter_;
};

class LockCore {
 public:
  LockCore(bool reentrant, const SyncObject& object) : object_(object), reentrant_(reentrant) {}

  const SyncObject& object() const { return object_; }
  // `ends`: whether the task's deadlines end its wait.
  bool Acquire(Waiter& waiter, bool ends) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (reentrant_ && owner_ == waiter.task->number) {
      ++depth_;
      RecordAcquire(*waiter.task, ends);
      return true;
    }
    if (owner_ != 0 || !waiters_.IsFirst(waiter)) {
      waiters_.Add(waiter);
      return false;
    }
    waiters_.Remove(waiter);
    owner_ = waiter.task->number;
    depth_ = 1;
    RecordAcquire(*waiter.task, ends);
    return true;
  }
  void Abandon(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    if (!waiter.linked) return;
    MutexLock lock(mutex_);
    waiters_.Remove(waiter);
    if (owner_ == 0) waiters_.WakeFirst();
  }
  // `action`: as what it is recorded.
  void Release(std::string_view action = "release") TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (owner_ == 0) throw std::logic_error("a lock was released that nobody holds");
    if (reentrant_ && owner_ != CurrentTaskState().number)
      throw std::logic_error("a lock was released by a task that does not hold it");
    object_.Record(action);
    if (--depth_ > 0) return;
    owner_ = 0;
    waiters_.WakeFirst();
  }
  bool held() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return owner_ != 0;
  }

 private:
  void RecordAcquire(const TaskState& task, bool ends) const {
    const int64_t left = ends ? task.TimeLeft() : kNever;
    if (left == kNever)
      object_.RecordAt("acquire", task.place.Get());
    else
      object_.Record("acquire", static_cast<size_t>(left));
  }

  const SyncObject object_;
  const bool reentrant_;
  Mutex mutex_;
  uint32_t owner_ TRIREME_GUARDED_BY(mutex_) = 0;  // the number of a task
  size_t depth_ TRIREME_GUARDED_BY(mutex_) = 0;
  WaitList waiters_ TRIREME_GUARDED_BY(mutex_);
};

class AcquireLock : public WaitOperation {
 public:
  AcquireLock(TaskState& task, LockCore* core, bool ends = true)
      : core_(*core), waiter_{.task = &task}, ends_(ends) {}
  ~AcquireLock() { core_.Abandon(waiter_); }
  bool Try() { return core_.Acquire(waiter_, ends_); }
  uint64_t Awaited() const { return core_.object().number(); }

 private:
  LockCore& core_;
  Waiter waiter_;
  const bool ends_;
};

class EventCore {
 public:
  explicit EventCore(const Place& place) : object_("event", 0, place) {}

  const SyncObject& object() const { return object_; }
  bool Wait(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    // A waiter that was let go has passed, whatever became of the event since.
    const bool passes = waiter.task == nullptr || set_;
    if (passes)
      object_.Record("passed");
    else
      waiters_.Add(waiter);
    return passes;
  }
  void Abandon(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    waiters_.Remove(waiter);
  }
  void Set() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    object_.Record("set");
    set_ = true;
    while (!waiters_.empty()) {
      Waiter& waiter = waiters_.TakeFirst();
      TaskState& task = *std::exchange(waiter.task, nullptr);
      task.backend->Unpark(task);
    }
  }
  void Clear() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    object_.Record("clear");
    set_ = false;
  }
  bool IsSet() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (set_) object_.Record("passed");
    return set_;
  }

 private:
  const SyncObject object_;
  Mutex mutex_;
  bool set_ TRIREME_GUARDED_BY(mutex_) = false;
  WaitList waiters_ TRIREME_GUARDED_BY(mutex_);
};

class WaitEvent : public WaitOperation {
 public:
  WaitEvent(TaskState& task, EventCore* core) : core_(*core), waiter_{.task = &task} {}
  ~WaitEvent() { core_.Abandon(waiter_); }
  bool Try() { return core_.Wait(waiter_); }
  uint64_t Awaited() const { return core_.object().number(); }

 private:
  EventCore& core_;
  Waiter waiter_;
};

class ConditionCore {
 public:
  explicit ConditionCore(const Place& place) : lock_(false, SyncObject("condition", 1, place)) {}

  LockCore& lock() { return lock_; }

  bool Notified(Waiter& waiter, bool& enrolled) TRIREME_EXCLUDES(mutex_) {
    MutexLock guard(mutex_);
    if (!enrolled) {
      enrolled = true;
      waiters_.Add(waiter);
      return false;
    }
    return !waiter.linked;
  }
  // What was notified and then stopped passes the notification on.
  void Abandon(Waiter& waiter, bool unused) TRIREME_EXCLUDES(mutex_) {
    MutexLock guard(mutex_);
    const bool notified = !waiter.linked;
    waiters_.Remove(waiter);
    if (notified && unused) NotifyLocked(1);
  }
  void Notify(size_t count) TRIREME_EXCLUDES(mutex_) {
    if (!lock_.held()) throw std::logic_error("a condition was notified without its lock");
    MutexLock guard(mutex_);
    lock_.object().Record("notify");
    NotifyLocked(count);
  }

 private:
  void NotifyLocked(size_t count) TRIREME_REQUIRES(mutex_) {
    for (; count > 0 && !waiters_.empty(); --count) {
      TaskState& task = *waiters_.TakeFirst().task;
      task.backend->Unpark(task);
    }
  }

  LockCore lock_;  // has the number of the condition
  Mutex mutex_;
  WaitList waiters_ TRIREME_GUARDED_BY(mutex_);
};

class WaitCondition : public WaitOperation {
 public:
  WaitCondition(TaskState& task, ConditionCore* core) : core_(*core), waiter_{.task = &task} {}
  ~WaitCondition() {
    if (enrolled_) core_.Abandon(waiter_, !done_);
  }
  bool Try() {
    // The lock goes only once this task is in line, so that no notification falls between.
    const bool first = !enrolled_;
    done_ = core_.Notified(waiter_, enrolled_);
    if (first) core_.lock().Release("wait");
    return done_;
  }
  uint64_t Awaited() const { return core_.lock().object().number(); }

 private:
  ConditionCore& core_;
  Waiter waiter_;
  bool enrolled_ = false;
  bool done_ = false;
};

namespace {

// Takes the lock again whatever the task was told meanwhile: its caller believes to hold it. From here on the task waits
// for who holds it, not for who notifies, and no deadline ends that.
void ReacquireBlocking(LockCore& lock, uint64_t ordinal) {
  Point point("lock", ordinal);
  AcquireLock operation(point.task(), &lock, false);
  while (!operation.Try()) {
    point.WaitThrough(operation.Awaited());
    point.task().backend->Park(point.task(), kNever);
  }
}

Task<> Reacquire(LockCore& lock, uint64_t ordinal) {
  Point point("lock", ordinal);
  AcquireLock operation(point.task(), &lock, false);
  while (!operation.Try()) {
    point.WaitThrough(operation.Awaited());
    co_await Parked(point.task(), kNever);
  }
}

Task<> WaitSuspending(std::shared_ptr<ConditionCore> core, uint64_t ordinal) {
  std::exception_ptr stopped;
  try {
    Point point("condition", ordinal);
    WaitCondition operation(point.task(), core.get());
    while (!operation.Try()) {
      point.Wait(operation.Awaited());
      co_await Parked(point.task(), point.task().Deadline());
      point.Check();
    }
  } catch (...) {
    stopped = std::current_exception();
  }
  co_await Reacquire(core->lock(), ordinal);
  if (stopped) std::rethrow_exception(stopped);
}

}  // namespace

class QueueCore {
 public:
  QueueCore(size_t limit, const Place& place) : object_("queue", limit, place), limit_(limit) {}

  const SyncObject& object() const { return object_; }
  bool Put(Waiter& waiter, std::unique_ptr<QueueItem>& item) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (Full() || !putters_.IsFirst(waiter)) {
      putters_.Add(waiter);
      return false;
    }
    putters_.Remove(waiter);
    items_.push_back(std::move(item));
    object_.Record("put", Count());
    getters_.WakeFirst();
    if (!Full()) putters_.WakeFirst();
    return true;
  }
  bool Get(Waiter& waiter, std::unique_ptr<QueueItem>& item) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (Empty() || !getters_.IsFirst(waiter)) {
      getters_.Add(waiter);
      return false;
    }
    getters_.Remove(waiter);
    item = std::move(items_[taken_++]);
    if (taken_ == items_.size()) {
      items_.clear();
      taken_ = 0;
    } else if (taken_ > 64 && taken_ * 2 > items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(taken_));
      taken_ = 0;
    }
    object_.Record("get", Count());
    putters_.WakeFirst();
    if (!Empty()) getters_.WakeFirst();
    return true;
  }
  void AbandonPut(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    if (!waiter.linked) return;
    MutexLock lock(mutex_);
    putters_.Remove(waiter);
    if (!Full()) putters_.WakeFirst();
  }
  void AbandonGet(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    if (!waiter.linked) return;
    MutexLock lock(mutex_);
    getters_.Remove(waiter);
    if (!Empty()) getters_.WakeFirst();
  }
  size_t size() const TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return Count();
  }

 private:
  size_t Count() const TRIREME_REQUIRES(mutex_) { return items_.size() - taken_; }
  bool Full() const TRIREME_REQUIRES(mutex_) { return limit_ != 0 && Count() >= limit_; }
  bool Empty() const TRIREME_REQUIRES(mutex_) { return Count() == 0; }

  const SyncObject object_;
  const size_t limit_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<QueueItem>> items_ TRIREME_GUARDED_BY(mutex_);
  size_t taken_ TRIREME_GUARDED_BY(mutex_) = 0;  // items at the front that are gone
  WaitList putters_ TRIREME_GUARDED_BY(mutex_);
  WaitList getters_ TRIREME_GUARDED_BY(mutex_);
};

namespace {

class PutItem : public WaitOperation {
 public:
  PutItem(TaskState& task, QueueCore* core, std::unique_ptr<QueueItem>* item)
      : core_(*core), item_(*item), waiter_{.task = &task} {}
  ~PutItem() { core_.AbandonPut(waiter_); }
  bool Try() { return core_.Put(waiter_, item_); }
  uint64_t Awaited() const { return core_.object().number(); }

 private:
  QueueCore& core_;
  std::unique_ptr<QueueItem>& item_;
  Waiter waiter_;
};

class GetItem : public WaitOperation {
 public:
  using Result = std::unique_ptr<QueueItem>;
  GetItem(TaskState& task, QueueCore* core) : core_(*core), waiter_{.task = &task} {}
  ~GetItem() { core_.AbandonGet(waiter_); }
  bool Try() { return core_.Get(waiter_, item_); }
  uint64_t Awaited() const { return core_.object().number(); }
  Result Take() { return std::move(item_); }

 private:
  QueueCore& core_;
  std::unique_ptr<QueueItem> item_;
  Waiter waiter_;
};

Task<> PutSuspending(QueueCore& queue, std::unique_ptr<QueueItem> item, uint64_t ordinal) {
  co_await AwaitLater<PutItem>("queue-put", ordinal, &queue, &item);
}

}  // namespace

std::shared_ptr<QueueCore> MakeQueue(size_t limit, const Place& place) {
  return std::make_shared<QueueCore>(limit, place);
}

Task<> Put(QueueCore& queue, std::unique_ptr<QueueItem> item) {
  Point point("queue-put");
  {
    PutItem operation(point.task(), &queue, &item);
    if (operation.Try()) return Done();
    if (point.task().backend->blocking()) {
      WaitBlocking(point, operation);
      return Done();
    }
  }
  return PutSuspending(queue, std::move(item), point.ordinal());
}

Task<std::unique_ptr<QueueItem>> Get(QueueCore& queue) {
  return Await<GetItem>("queue-get", &queue);
}

size_t Size(const QueueCore& queue) { return queue.size(); }

}  // namespace internal

Task<> Lock::Acquire(internal::Place place) {
  internal::ComeTo(place);
  return Await<internal::AcquireLock>("lock", core_.get());
}
void Lock::Release() { core_->Release(); }

Task<> RLock::Acquire(internal::Place place) {
  internal::ComeTo(place);
  return Await<internal::AcquireLock>("lock", core_.get());
}
void RLock::Release() { core_->Release(); }

Task<> Semaphore::Acquire(internal::Place place) {
  internal::ComeTo(place);
  return Await<internal::AcquirePermit>("semaphore", core_.get());
}
void Semaphore::Release() { core_->Release(); }

Task<> Event::Wait(internal::Place place) {
  internal::ComeTo(place);
  return Await<internal::WaitEvent>("event", core_.get());
}
void Event::Set() { core_->Set(); }
void Event::Clear() { core_->Clear(); }
bool Event::IsSet() const { return core_->IsSet(); }

Task<> Condition::Acquire(internal::Place place) {
  internal::ComeTo(place);
  return Await<internal::AcquireLock>("lock", &core_->lock());
}
void Condition::Release() { core_->lock().Release(); }
void Condition::Notify(size_t count) { core_->Notify(count); }
void Condition::NotifyAll() { core_->Notify(SIZE_MAX); }

Task<> Condition::Wait(internal::Place place) {
  internal::ComeTo(place);
  const uint64_t ordinal = Point("condition").ordinal();
  if (!core_->lock().held()) throw std::logic_error("a condition was waited for without its lock");
  if (!CurrentTaskState().backend->blocking()) return internal::WaitSuspending(core_, ordinal);
  std::exception_ptr stopped;
  try {
    Point point("condition", ordinal);
    internal::WaitCondition operation(point.task(), core_.get());
    if (!operation.Try()) WaitBlocking(point, operation);
  } catch (...) {
    stopped = std::current_exception();
  }
  internal::ReacquireBlocking(core_->lock(), ordinal);
  if (stopped) std::rethrow_exception(stopped);
  return internal::Done();
}

using internal::Place;

Lock Runtime::Lock(Place place) {
  return trireme::Lock(std::make_shared<internal::LockCore>(false, SyncObject("lock", 1, place)));
}
RLock Runtime::RLock(Place place) {
  return trireme::RLock(std::make_shared<internal::LockCore>(true, SyncObject("rlock", 1, place)));
}
Semaphore Runtime::Semaphore(size_t count, Place place) {
  return trireme::Semaphore(std::make_shared<internal::SemaphoreCore>(count, place));
}
Condition Runtime::Condition(Place place) {
  return trireme::Condition(std::make_shared<internal::ConditionCore>(place));
}
Event Runtime::Event(Place place) {
  return trireme::Event(std::make_shared<internal::EventCore>(place));
}

}  // namespace trireme
