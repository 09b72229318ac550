#ifndef TRIREME_HARNESS_CHECK_WAIT_GRAPH_H_
#define TRIREME_HARNESS_CHECK_WAIT_GRAPH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/check/sync_events.h"
#include "harness/check/trial_view.h"

namespace trireme {

// Who waits for what at one moment of a trial, and who has it: the history replayed up to there.
//
// A forked process has copies of its parent's objects and tasks: what its parent's other tasks held when it was forked
// is held in it by tasks that are not there, for ever (F50). So tasks and objects are known by their process as well.
struct WaitGraph {
  using Index = uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  struct Wait {
    WaitKind kind = WaitKind::kOther;
    std::string name;                   // of its kind, as recorded
    int64_t since = 0;                  // nanoseconds since the trial began
    Index object = kNone;               // in `objects`, where it was recorded
    Index target = kNone;               // of a join, in `actors`
    bool granted = false;               // the task has it, and is about to go on
    std::optional<int64_t> deadline{};  // when the wait ends by itself
  };

  // A task, or an OS thread that runs none and did something to an object.
  struct Actor {
    uint32_t process = 0;
    uint32_t task = 0;    // 0: a thread
    uint32_t thread = 0;  // of one that is no task
    bool started = false;
    bool ended = false;
    bool absent = false;                // of a forked process that has no such task
    std::optional<int64_t> cancelled;   // when somebody last asked it to stop
    std::optional<Wait> wait;           // none: it runs, or could
    std::optional<int64_t> deadline;    // of the wait that it begins next
    Index condition = kNone;            // it gave that one's lock back and waits to be notified
    int64_t depth = 0;                  // of that lock before
    std::map<Index, int64_t> holdings;  // object: how often
  };

  struct Object {
    uint32_t process = 0;
    uint64_t number = 0;
    ObjectFacts facts;
    bool made = false;                 // its `new` was seen, so `facts` hold
    std::map<Index, int64_t> holders;  // actor: how often
    std::map<Index, std::string> places;  // actor: where it took it, where that is known
    int64_t taken = 0;                 // of its permits
    int64_t items = 0;                 // in a queue
    bool set = false;                  // of an event
    // Somebody released it who did not have it: it is used as a signal, which anybody may give.
    bool signalled = false;
  };

  std::vector<Actor> actors;
  std::vector<Object> objects;
  int64_t until = 0;
  // Somebody waited, then or before, at one end of a stream for what a task does at the other.
  bool between_ends = false;

  // Of a task in the process that started it; kNone where the history has none.
  Index FindTask(uint32_t task) const;
  // "worker", "thread 7", "worker of process 12" where there is more than one of that task.
  std::string NameOf(const TrialView& view, Index actor) const;
  // "a waits for the lock made at workload.py:12 that b holds", "a in recv", "a"
  std::string Describe(const TrialView& view, Index actor) const;
  // "lock of rlock": what goes into a signature.
  std::string KindOfWait(Index actor) const;

  std::map<uint32_t, Index> home;  // by task: the actor in the process that started it
};

// Events after `until` do not count. O(n log n) in the events.
WaitGraph MakeWaitGraph(const TrialView& view, int64_t until);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_WAIT_GRAPH_H_
