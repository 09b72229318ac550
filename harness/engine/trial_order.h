#ifndef TRIREME_HARNESS_ENGINE_TRIAL_ORDER_H_
#define TRIREME_HARNESS_ENGINE_TRIAL_ORDER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "harness/scenario/plan.h"

namespace trireme {

// In which order the trials of one cell start: by their numbers, but those of a sweep so that no long one is left for the end,
// where nothing else has anything to do. At most points a workload does as always; at a few it waits for what does not come, as
// at others of their kind (the fault, and the call or what the task waits for there). So of each kind one, then what is left of
// kinds that take long, the longest first (Graham, "Bounds on Multiprocessing Timing Anomalies", 1969), then the rest.
class TrialOrder {
 public:
  explicit TrialOrder(const PlannedCell& cell);
  TrialOrder(TrialOrder&&) = default;

  bool empty() const { return left_ == 0; }
  // REQUIRES: !empty(), of both.
  int64_t Next() const;
  void Start(int64_t trial);
  // One that was started is over.
  void Ended(int64_t trial, double seconds);

 private:
  struct Kind {
    std::deque<int64_t> left;
    bool tried = false;
    double seconds = 0;  // of all that have ended
    int ended = 0;
    double Mean() const { return ended == 0 ? 0 : seconds / ended; }
  };

  // Of all kinds that have any left. Never null where there is one.
  const Kind& NextKind() const;

  std::map<std::string, Kind> kinds_;
  std::map<int64_t, Kind*> kind_of_;
  size_t left_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_TRIAL_ORDER_H_
