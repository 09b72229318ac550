#ifndef TRIREME_HARNESS_CHECK_LOCK_NESTING_H_
#define TRIREME_HARNESS_CHECK_LOCK_NESTING_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/check/sync_events.h"
#include "harness/check/trial_view.h"

namespace trireme {

// Which locks each task holds when it comes to another, replayed from a history. Locks, rlocks and conditions count; an
// rlock that is taken again does not, nor does what a thread that runs no task took.
class LockNesting {
 public:
  struct Lock {
    uint32_t process = 0;  // a forked one has copies
    uint64_t number = 0;
    ObjectFacts facts;
  };
  // A task came to `lock` (it took it, or began to wait for it) and held `held` then, indices into locks().
  struct Attempt {
    uint64_t actor = 0;  // the task in its process
    uint32_t task = 0;
    size_t lock = 0;
    std::vector<size_t> held;  // in the order in which they were taken; not empty
    int64_t time = 0;
    // Those of `held` that it keeps for as long as it waits. The others it took before it set this wait a deadline, as one
    // does that tries a lock, lets go of what it has, and begins again.
    std::vector<size_t> kept;
  };

  // Who takes more is not followed from then on: `overflowed()`.
  static constexpr size_t kMostHeld = 16;

  // Nothing where the event is no such moment. REQUIRES: the events of a history, in their order.
  std::optional<Attempt> See(const Event& event);

  // Where a task called that holds the lock now; "" where it holds none, or that was not recorded. Of the history.
  std::string_view PlaceOf(uint64_t actor, size_t lock) const;

  const std::vector<Lock>& locks() const { return locks_; }
  bool overflowed() const { return overflowed_; }

 private:
  struct Actor {
    std::vector<size_t> held;
    std::unordered_map<size_t, int64_t> depth;
    size_t condition = SIZE_MAX;  // that it waits to be notified of
    int64_t condition_depth = 0;
    std::unordered_map<size_t, int64_t>
        deadlines;                 // under which it took what it holds, where there was one
    std::unordered_map<size_t, std::string_view> places;  // where it took what it holds
    int64_t deadline = INT64_MAX;  // of the wait that it begins next
    bool overflowed = false;
  };

  size_t LockOf(const Event& event, uint64_t number);  // SIZE_MAX for what is none
  std::optional<Attempt> SeeWait(const Event& event);
  std::optional<Attempt> SeeSync(const Event& event);
  std::optional<Attempt> Acquire(const Event& event, size_t lock);
  std::optional<Attempt> Attempted(const Event& event, size_t lock, int64_t deadline) const;
  void Take(Actor& actor, size_t lock, const Event& event);
  void Forget(uint64_t actor, size_t lock);
  void Release(uint64_t actor, size_t lock);

  std::unordered_map<uint64_t, ObjectFacts> made_;
  std::unordered_map<uint32_t, std::unordered_map<uint64_t, size_t>> index_;  // by process
  std::vector<Lock> locks_;
  std::vector<uint64_t> holder_;  // by lock; 0: nobody
  std::unordered_map<uint64_t, Actor> actors_;
  bool overflowed_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_LOCK_NESTING_H_
