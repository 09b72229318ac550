#ifndef TRIREME_HARNESS_CHECK_LOOP_EVENTS_H_
#define TRIREME_HARNESS_CHECK_LOOP_EVENTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/trial_view.h"
#include "harness/check/verdict.h"

namespace trireme {

// A loop: its process and thread.
using LoopId = std::pair<uint32_t, uint32_t>;

// Code that kept a loop from going on: HOLD events of probe_abi.h. Times are nanoseconds since the trial began.
struct Hold {
  LoopId loop;
  uint32_t task = 0;  // 0: a callback
  int64_t begin = 0;  // to some milliseconds
  int64_t found = 0;  // when it was found to last too long
  int64_t end = 0;
  bool ended = false;  // false: it lasted to the end of its process
  double wall = 0, delay = 0,
         cpu = 0;                  // seconds; cpu and delay are not known of one that did not end
  std::vector<std::string> stack;  // outermost first; empty: none
  std::string source;

  // Without the time that the thread waited for a processor; nanoseconds.
  int64_t own() const { return static_cast<int64_t>((wall - delay) * 1e9); }
};

// In the order in which they were found, without those of tasks that had ended, or after main's end.
std::vector<Hold> HoldsOf(const TrialView& view);

// The threads that were watched as loops.
std::vector<LoopId> LoopsOf(const TrialView& view);

// The verdict on a trial without a loop: it passes where its tasks had threads of their own, which is why there was none.
CheckResult JudgeWithoutLoop(const TrialView& view);

// What of the trial's loops was not watched, "" for nothing.
std::string Unwatched(const TrialView& view);

// What a loop used in one interval: USAGE events.
struct LoopUsage {
  LoopId loop;
  int64_t begin = 0, end = 0;
  double wall = 0, delay = 0, cpu = 0;  // seconds
  int64_t polls = 0, found = 0, steps = 0, moved = 0;
  int64_t slept = -1;  // -1: not known
};
std::vector<LoopUsage> LoopUsageOf(const TrialView& view);

// The task that a loop which turned so often came from, when it was asked: USAGE events.
struct LoopTask {
  LoopId loop;
  int64_t time = 0;
  uint32_t task = 0;
  std::string name;                // "" when nobody said
  std::vector<std::string> stack;  // where it had given back its loop, outermost first
};
std::vector<LoopTask> LoopTasksOf(const TrialView& view);

// What a loop that turned so often was told of, when it was asked: USAGE events.
struct LoopReady {
  LoopId loop;
  int64_t time = 0;
  std::vector<Json> descriptors;  // {"fd", "kind", "local", "peer", "reader" or "writer", "place"}
};
std::vector<LoopReady> LoopReadyOf(const TrialView& view);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_LOOP_EVENTS_H_
