#ifndef TRIREME_HARNESS_CHECK_BLOCKED_LOOP_CHECKER_H_
#define TRIREME_HARNESS_CHECK_BLOCKED_LOOP_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Passes when no task or callback held its loop for longer than `threshold`: HOLD events of probe_abi.h. One finding for
// each place in the workload from which a loop was held, with the longest of its holds.
//
// What counts is the time that the thread did not spend waiting for a processor: on a loaded machine every step takes
// long. A hold of which the end was not recorded lasts to the end of its process. What a runtime does after the end of
// the task, or of main, is nobody's hold.
//
// Needs a recording that watched its loops for no more than `threshold`, and a thread that was one; where none was, the
// trial did not exercise it, as on a runtime whose tasks are threads.
class BlockedLoopChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "blocked-loop"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  RecordingNeeds Needs(const Json& arguments) const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_BLOCKED_LOOP_CHECKER_H_
