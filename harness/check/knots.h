#ifndef TRIREME_HARNESS_CHECK_KNOTS_H_
#define TRIREME_HARNESS_CHECK_KNOTS_H_

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/wait_graph.h"

namespace trireme {

// Tasks of which none can ever go on, and why.
struct Knot {
  enum class Kind {
    kCycle,   // they wait for each other
    kGone,    // they wait for what a task holds that ended, or that a forked process has not
    kNobody,  // they wait for what anybody could give, and nobody is left
  };
  Kind kind = Kind::kCycle;
  std::vector<WaitGraph::Index>
      tasks;  // of a cycle, each waits for the next, and the last for the first
};

struct Knots {
  std::vector<WaitGraph::Index> stuck;  // all that cannot go on, those behind a knot too
  std::vector<Knot> knots;
};

// The greatest set of waiting tasks of which each one's every possible waker is in the set, has ended, or is not there.
//
// What may wake whom: a lock, who holds it, unless somebody gave it back who did not have it; a pool's place, who has
// one; a join, its task; an event, a condition, a queue, a semaphore and both directions of a stream whose two ends the
// trial has, any task or thread at all outside the set.
// What is free, or was granted, wakes its waiter by itself, and so may all else that tasks wait for (bytes, time,
// processes). A cancelled task may still be woken by that. One thing is not in the history: how long a task is ready to
// wait, so a wait with a time limit at the end of the trial counts like one without.
//
// One knot for each independent cycle; that nobody is left is a knot only where there is no other, which it would
// follow from. O(n log n) in the tasks, their holdings and waits.
Knots FindKnots(const WaitGraph& graph, bool hung);

// "a waits for the lock made at workload.py:12 that b holds, b waits for the end of a"
std::string DescribeKnot(const TrialView& view, const WaitGraph& graph, const Knot& knot);

// What is the same on every runtime and line: kinds of objects and waits, names of tasks without their numbers.
std::string SubjectOf(const TrialView& view, const WaitGraph& graph, const Knot& knot);

// Every task that waits, for evidence; the first hundred, those that are stuck before others.
Json GraphToJson(const TrialView& view, const WaitGraph& graph, const Knots& knots);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_KNOTS_H_
