#ifndef TRIREME_WORKLOAD_SYNC_H_
#define TRIREME_WORKLOAD_SYNC_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "trireme/place.h"
#include "trireme/task.h"

namespace trireme {

namespace internal {
class LockCore;
class SemaphoreCore;
class EventCore;
class ConditionCore;
class QueueCore;

struct QueueItem {
  virtual ~QueueItem() = default;
};
template <typename T>
struct QueueItemOf final : QueueItem {
  explicit QueueItemOf(T item) : value(std::move(item)) {}
  T value;
};

std::shared_ptr<QueueCore> MakeQueue(size_t limit, const Place& place);
Task<> Put(QueueCore& queue, std::unique_ptr<QueueItem> item);
Task<std::unique_ptr<QueueItem>> Get(QueueCore& queue);
size_t Size(const QueueCore& queue);
}  // namespace internal

// Holds something that has Release(), and releases it at its end.
template <typename Held>
class [[nodiscard]] Guard {
 public:
  explicit Guard(Held held) : held_(std::move(held)) {}
  Guard(Guard&& other) noexcept
      : held_(std::move(other.held_)), active_(std::exchange(other.active_, false)) {}
  Guard& operator=(Guard&&) = delete;
  ~Guard() {
    if (active_) held_.Release();
  }

 private:
  Held held_;
  bool active_ = true;
};

namespace internal {
template <typename Held>
Task<Guard<Held>> HoldLater(Held held, Task<> acquired) {
  co_await std::move(acquired);
  co_return Guard<Held>(std::move(held));
}
template <typename Held>
Task<Guard<Held>> Hold(Held held, const Place& place) {
  Task<> acquired = held.Acquire(place);
  if (acquired.is_ready()) return Task<Guard<Held>>::Ready(Guard<Held>(std::move(held)));
  return HoldLater(std::move(held), std::move(acquired));
}
}  // namespace internal

// All of these are handles, made by the Runtime: copies are the same lock. Releasing what is not
// held throws std::logic_error. `Guard guard = co_await lock.Hold();` holds until the end of its
// block.

class Lock {
 public:
  explicit Lock(std::shared_ptr<internal::LockCore> core) : core_(std::move(core)) {}
  Task<> Acquire(internal::Place place = internal::Place::Here());
  void Release();
  Task<Guard<Lock>> Hold(internal::Place place = internal::Place::Here()) {
    return internal::Hold(*this, place);
  }

 private:
  std::shared_ptr<internal::LockCore> core_;
};

// A lock that its owner may acquire again; free after as many releases.
class RLock {
 public:
  explicit RLock(std::shared_ptr<internal::LockCore> core) : core_(std::move(core)) {}
  Task<> Acquire(internal::Place place = internal::Place::Here());
  void Release();
  Task<Guard<RLock>> Hold(internal::Place place = internal::Place::Here()) {
    return internal::Hold(*this, place);
  }

 private:
  std::shared_ptr<internal::LockCore> core_;
};

class Semaphore {
 public:
  explicit Semaphore(std::shared_ptr<internal::SemaphoreCore> core) : core_(std::move(core)) {}
  Task<> Acquire(internal::Place place = internal::Place::Here());
  void Release();
  Task<Guard<Semaphore>> Hold(internal::Place place = internal::Place::Here()) {
    return internal::Hold(*this, place);
  }

 private:
  std::shared_ptr<internal::SemaphoreCore> core_;
};

class Event {
 public:
  explicit Event(std::shared_ptr<internal::EventCore> core) : core_(std::move(core)) {}
  Task<> Wait(internal::Place place = internal::Place::Here());
  void Set();
  void Clear();
  bool IsSet() const;

 private:
  std::shared_ptr<internal::EventCore> core_;
};

// A lock with a place to wait for what it protects.
class Condition {
 public:
  explicit Condition(std::shared_ptr<internal::ConditionCore> core) : core_(std::move(core)) {}
  Task<> Acquire(internal::Place place = internal::Place::Here());
  void Release();
  Task<Guard<Condition>> Hold(internal::Place place = internal::Place::Here()) {
    return internal::Hold(*this, place);
  }
  // Releases the lock while it waits; holds it again when it returns or throws. REQUIRES: this task
  // holds the lock.
  Task<> Wait(internal::Place place = internal::Place::Here());
  void Notify(size_t count = 1);
  void NotifyAll();

 private:
  std::shared_ptr<internal::ConditionCore> core_;
};

// First in, first out. Put() waits while `limit` items are in it (0: no limit), Get() while there
// is none.
template <typename T>
class Queue {
 public:
  explicit Queue(size_t limit, internal::Place place = internal::Place::Here())
      : core_(internal::MakeQueue(limit, place)) {}
  Task<> Put(T item, internal::Place place = internal::Place::Here()) {
    internal::ComeTo(place);
    return internal::Put(*core_, std::make_unique<internal::QueueItemOf<T>>(std::move(item)));
  }
  Task<T> Get(internal::Place place = internal::Place::Here()) {
    internal::ComeTo(place);
    Task<std::unique_ptr<internal::QueueItem>> item = internal::Get(*core_);
    if (item.is_ready()) return Task<T>::Ready(Unwrap(item.await_resume()));
    return GetLater(core_, std::move(item));
  }
  size_t size() const { return internal::Size(*core_); }

 private:
  static T Unwrap(std::unique_ptr<internal::QueueItem> item) {
    return std::move(static_cast<internal::QueueItemOf<T>&>(*item).value);
  }
  static Task<T> GetLater(std::shared_ptr<internal::QueueCore>,
                          Task<std::unique_ptr<internal::QueueItem>> item) {
    co_return Unwrap(co_await std::move(item));
  }

  std::shared_ptr<internal::QueueCore> core_;
};

}  // namespace trireme

#endif  // TRIREME_WORKLOAD_SYNC_H_
