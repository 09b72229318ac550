#ifndef TRIREME_HARNESS_PROBE_LOOPS_H_
#define TRIREME_HARNESS_PROBE_LOOPS_H_

#include <stdint.h>

#include "harness/probe/probe_abi.h"

namespace trireme {

// Which threads are loops, and which step each is at; see "Loops" in probe_abi.h. Threads tell here what they do, at
// the cost of a few stores; loop_watcher.h looks at it from outside.
//
// A thread is a loop from when it runs a task while another of its own has begun and not ended, or after it polled
// while it ran none. So a thread that runs one task after the other is none, whatever its tasks poll.
//
// Thread safety: any threads and forked children. A loop's words are stored by its own thread alone.

struct Loop {
  uint32_t thread;  // atomic: OS thread id; 0: free
  uint32_t task;    // atomic: whose code runs; 0: a callback's
  uint64_t step;    // atomic: another one at each switch and poll; odd: it waits
  uint64_t since;   // atomic: when that began, by a clock that ticks each few milliseconds
  uint64_t polls;   // atomic, as what follows: how often it looked for events
  uint64_t found;   // how often there were some
  uint64_t steps;   // tasks that it ran
  void*
      python;  // its PyThreadState; null: no Python, or one whose frames cannot be read from outside
  uint64_t handle;  // its pthread_t
  bool asked;        // atomic: somebody wants to know which task it runs again and again
  bool asked_ready;  // atomic: and which descriptors it is told of
};

constexpr int kLoops = 256;
extern Loop loops[kLoops];
// Whether the recording asks for any of this.
extern bool loops_watched;

// The recording is another one now: its header, or null for none.
void WatchLoops(const trireme_header* header);
// Starts what says what the process uses, where the recording asks for that. REQUIRES: as StartWatcher().
void WatchUsage();
// After fork: the threads are the parent's, but for this one.
void ForgetLoops();

// This thread runs `task`.
void NoteTask(uint32_t task);
// `task` has ended; what its thread runs now is not its code.
void NoteTaskEnd(uint32_t task);
// A runtime says that this thread waits as a loop does, in a call that is not seen.
void NoteLoopWaits(bool waits);
// A runtime says that this thread begins to run a loop, or has ended it: between two runs it is no loop.
void NoteLoopRuns(bool runs);

// Asks the thread of a loop to say which task it comes from at its next switch, and what its next poll finds.
void AskWhoRuns(Loop& loop);
// Whether this thread was asked: true once. Cheap where nobody was.
bool TakeLoopAsk();
bool TakeReadyAsk();

// Around a call that looks for events of descriptors. One of a task's own is no wait of the loop: it keeps it from
// going on.
class LoopPoll {
 public:
  // `any`: of any descriptors; a call for none is a sleep.
  explicit LoopPoll(bool any) : any_(any && __atomic_load_n(&loops_watched, __ATOMIC_RELAXED)) {
    if (any_) Begin();
  }
  // `result` as the call gave it.
  void End(int result) const {
    if (any_) Finish(result);
  }

 private:
  void Begin();
  void Finish(int result) const;

  bool any_;
};

// While it lives, this thread waits for what a plan of faults has to wait for: that its task holds the loop is not its doing.
// What it does before and what it does after are two steps.
class LoopPause {
 public:
  LoopPause();
  ~LoopPause();
  LoopPause(const LoopPause&) = delete;
  LoopPause& operator=(const LoopPause&) = delete;
};

// Bytes that this process read and wrote: all, since the recording is watched.
void NoteMoved(int64_t result);
uint64_t MovedBytes();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_LOOPS_H_
