#ifndef TRIREME_HARNESS_CHECK_UNORDERED_READS_H_
#define TRIREME_HARNESS_CHECK_UNORDERED_READS_H_

#include <cstdint>
#include <vector>

#include "harness/check/sync_events.h"
#include "harness/check/trial_view.h"

namespace trireme {

// Two tasks read one stream, and nothing that the history holds orders the two reads (happens_before.h): they did not
// meet in this trial, but could have.
struct UnorderedReads {
  uint64_t stream = 0;
  ObjectFacts facts;
  uint32_t first = 0, second = 0;  // tasks
  int64_t first_time = 0, second_time = 0;
};

// Each pair of tasks at each stream once, in the order in which they were seen. Listeners are no streams here: each
// connection goes whole to one of those that accept. Of streams with several readers the first few are looked at, with
// 64 readers together. O(n * readers).
std::vector<UnorderedReads> FindUnorderedReads(const TrialView& view);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_UNORDERED_READS_H_
