#ifndef TRIREME_HARNESS_PROBE_LANES_H_
#define TRIREME_HARNESS_PROBE_LANES_H_

#include <stdint.h>

#include "harness/probe/recorder.h"
#include "harness/probe/recording.h"

namespace trireme {

// One for what a thread does, one for a signal handler that interrupts it while it records.
constexpr int kLanes = 2;

struct Lane {
  Space space;
};

// All that recording needs in a thread. Only its own thread and that thread's signal handlers touch
// it.
struct ThreadState {
  Recording* recording = nullptr;  // the one that the lanes belong to
  int depth = 0;                   // of nested calls of Record()
  uint32_t thread = 0;             // OS thread id; 0: not asked yet
  uint32_t task = 0;
  uint32_t served = 0;  // while it runs none
  uint64_t self_word = 0;  // see SelfWord(); 0: to be made again
  uint64_t last_time = 0;
  uint64_t operations = 0;  // a range of ids, see NewOperation()
  bool ends_noticed = false;
  Lane lanes[kLanes];
};

extern constinit thread_local ThreadState thread_state;

// Writes an event into the lane of `state.depth`, or counts it as lost. REQUIRES: `state` is the calling thread's, and its depth
// counts this call.
void Append(ThreadState& state, Recording* recording, const Entry& entry);
// An id that no other call for this recording gets.
uint64_t TakeOperation(ThreadState& state, Recording* recording);
// In the child, right after fork: the chunks of the parent stay the parent's, whose threads write them.
void LeaveLanesToParent(ThreadState& state);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_LANES_H_
