#ifndef TRIREME_HARNESS_CHECK_OVERTAKINGS_H_
#define TRIREME_HARNESS_CHECK_OVERTAKINGS_H_

#include <cstdint>
#include <vector>

#include "harness/check/sync_events.h"
#include "harness/check/trial_view.h"

namespace trireme {

// How often a wait was overtaken.
struct Overtaking {
  uint32_t task = 0;
  WaitKind kind = WaitKind::kOther;
  uint64_t object = 0;
  ObjectFacts facts;
  int64_t
      from = 0,
      to =
          0;  // nanoseconds since the trial began; `to` is the end of the trial for one that never ended
  int64_t overtaken = 0;  // others who came later were served first
  int64_t served = 0;     // others who were served meanwhile
  int64_t wanted = 0;     // tasks that wanted the same meanwhile, itself too
  bool ended = false;
};

struct Overtakings {
  std::vector<Overtaking>
      worst;                   // up to eight waits of each object, those that were overtaken most
  bool any_contended = false;  // a task waited while another was served
};

// Of waits for locks, semaphores, queues and places of pools. A wait of kind `pool` is not looked at: it may be for the
// whole pool to be done. An rlock that its holder takes again is no service. O(n log n).
Overtakings FindOvertakings(const TrialView& view, int64_t until);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_OVERTAKINGS_H_
