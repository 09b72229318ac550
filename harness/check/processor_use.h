#ifndef TRIREME_HARNESS_CHECK_PROCESSOR_USE_H_
#define TRIREME_HARNESS_CHECK_PROCESSOR_USE_H_

#include <cstdint>
#include <map>

#include "harness/check/trial_view.h"

namespace trireme {

// How long the processes of a trial had run at a time: by the notes of the probe ("processor" of USAGE in probe_abi.h) and, of
// the workload's process, by what it had used when it ended. Between two of them the use is taken to be even.
class ProcessorUse {
 public:
  explicit ProcessorUse(const TrialView& view);

  // Seconds in [from, until], nanoseconds since the trial began; -1 where nothing was noted.
  double Between(int64_t from, int64_t until) const;

 private:
  using Notes = std::map<int64_t, double>;  // time to the nanoseconds used until then

  std::map<uint32_t, Notes> by_process_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_PROCESSOR_USE_H_
