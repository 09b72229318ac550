#ifndef TRIREME_HARNESS_CHECK_LOCK_GRAPH_H_
#define TRIREME_HARNESS_CHECK_LOCK_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/check/happens_before.h"
#include "harness/check/lock_nesting.h"

namespace trireme {

// A task came to the lock `to` while it held `from`, which it keeps as long as it waits, and all of `held`.
struct LockEdge {
  size_t from = 0, to = 0;   // indices into the locks of LockGraph
  std::vector<size_t> held;  // sorted; `from` as well
  uint64_t actor = 0;
  uint32_t task = 0;
  int64_t time = 0;
  HappensBefore::Moment moment;
  // Where the task called for `from` and for `to`; "" where that is not known, or it never got `to`. Of the history.
  std::string_view held_at, taken_at;
};

// The orders in which tasks of a trial took locks, as far as they go round in a circle.
struct LockGraph {
  std::vector<LockNesting::Lock> locks;
  // By circle (a strongly connected component): the edges within it.
  std::vector<std::vector<LockEdge>> circles;
  bool any = false;   // a task came to a lock while it held another
  bool whole = true;  // false: there was too much to look at all of it
};

LockGraph MakeLockGraph(const TrialView& view);

struct LockCycles {
  std::vector<std::vector<LockEdge>> cycles;
  bool whole = true;  // false: there were too many ways to look at each
};

// The cycles that tasks could really get caught in, of one circle: every pair of locks, and where there is none, the
// first longer one of up to eight locks.
LockCycles FindLockCycles(const std::vector<LockEdge>& circle);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_LOCK_GRAPH_H_
