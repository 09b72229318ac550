#ifndef TRIREME_HARNESS_PROBE_HOLD_STACK_H_
#define TRIREME_HARNESS_PROBE_HOLD_STACK_H_

#include <stdint.h>

#include "harness/probe/loops.h"

namespace trireme {

// A step of a loop, by a thread that looks at it from outside.
struct LoopStep {
  const Loop* loop = nullptr;
  uint32_t thread = 0;
  uint64_t step = 0;

  bool Lasts() const {
    return __atomic_load_n(&loop->step, __ATOMIC_ACQUIRE) == step &&
           __atomic_load_n(&loop->thread, __ATOMIC_RELAXED) == thread;
  }
};

struct HoldStack {
  char* text;  // of `capacity`: JSON, ["file:line in name", ...], outermost first
  uint64_t capacity;
  uint64_t size = 0;        // 0: there is none
  const char* source = "";  // how it was got, or why there is none
  uint64_t ask = 0;         // not 0: one may come later, see LateHoldStack()
};

// The stack of a thread that holds its loop, now, while it does: no longer than that, and a second at most. REQUIRES: called
// by one thread at a time, which the program does not know.
void TakeHoldStack(const LoopStep& step, HoldStack* stack);
// What was asked for then, and came when the hold was over. False: nothing has.
bool LateHoldStack(uint64_t ask, HoldStack* stack);
// After fork.
void ForgetHoldStacks();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_HOLD_STACK_H_
