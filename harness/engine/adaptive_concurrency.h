#ifndef TRIREME_HARNESS_ENGINE_ADAPTIVE_CONCURRENCY_H_
#define TRIREME_HARNESS_ENGINE_ADAPTIVE_CONCURRENCY_H_

#include <optional>

#include "harness/engine/processor_times.h"

namespace trireme {

// How many trials that compute now and then may do so at once: more than there are places, as long as the processors are idle. It
// is what the whole machine does that counts: more of those that another program keeps from a processor would only be slower.
class AdaptiveConcurrency {
 public:
  // REQUIRES: 1 <= least.
  AdaptiveConcurrency(int least, int most) : least_(least), most_(most), limit_(least) {}

  // To be told in turn, some ten times a second. `full`: as many ran as may. While fewer do, that processors are idle
  // says nothing of how many more there is room for.
  void Sample(const ProcessorTimes& now, bool full);

  // least..most
  int limit() const;
  // Whether it may ever be more than the least.
  bool adapts() const { return most_ > least_; }

 private:
  const int least_, most_;
  double limit_;
  std::optional<ProcessorTimes> last_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_ADAPTIVE_CONCURRENCY_H_
