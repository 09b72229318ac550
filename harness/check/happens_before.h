#ifndef TRIREME_HARNESS_CHECK_HAPPENS_BEFORE_H_
#define TRIREME_HARNESS_CHECK_HAPPENS_BEFORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "harness/check/sync_events.h"
#include "harness/history/history.h"

namespace trireme {

// Which moments of tasks come before which in every order that their synchronisation allows: vector clocks (Fidge,
// Mattern), with a place only for the tasks that are asked about.
//
// A task comes after what its parent did before starting it, and whoever joins it after all that it did. With
// Edges::kAll, further: after the release of what it acquires, the put of what it gets (and, in a queue with a limit,
// the get that made room), the set of an event that it passed, the notify that woke it, and the cancel that stops it.
//
// Where the history cannot tell, an edge is assumed, so that what it calls unordered is: all puts come before a get, all
// sets before a pass; a parent is taken to know of its children's ends (it may have asked done(), or a pool that was
// idle already), and whoever starts a task, of every end before that. Messages are no edges: nothing says which bytes
// answer which, and if each did, no two handlers of requests were ever unordered. Nor are ordinary variables: a socket
// that is handed on in a list looks as one that two tasks share.
//
// Takes O(n * tracked).
class HappensBefore {
 public:
  enum class Edges { kTasks, kAll };

  // A moment of a tracked task.
  struct Moment {
    size_t slot = 0;
    uint32_t count = 0;
    std::shared_ptr<const std::vector<uint32_t>> clock;
  };

  HappensBefore(const std::set<uint32_t>& tracked, Edges edges);

  // REQUIRES: the events of a history, in their order.
  void See(const Event& event);
  // Of the event seen last. REQUIRES: `task` is tracked.
  Moment Now(uint32_t task);
  static bool Ordered(const Moment& a, const Moment& b);

 private:
  using Clock = std::shared_ptr<const std::vector<uint32_t>>;
  struct Wait {
    WaitKind kind = WaitKind::kOther;
    uint64_t number = 0;
  };
  struct Task {
    Clock clock;  // null: all zero
    uint32_t parent = 0;
    bool told = true;  // somebody may come after its present moment
    Wait wait;
  };

  static void Join(Clock& into, const Clock& from);
  // What `task` did so far comes before whatever `into` is the clock of.
  void Tell(uint32_t task, Clock& into);
  void Start(const Event& event);
  void End(const Event& event);
  void Wake(Task& task);
  void Sync(const Event& event);

  std::unordered_map<uint32_t, size_t> slots_;
  Edges edges_;
  std::unordered_map<uint32_t, Task> tasks_;  // 0: all threads that run none
  std::unordered_map<uint64_t, Clock> objects_;
  std::set<uint64_t> unlimited_;  // queues
  Clock ended_;                   // of all tasks that have
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_HAPPENS_BEFORE_H_
