#ifndef TRIREME_HARNESS_CHECK_UNBOUNDED_GROWTH_CHECKER_H_
#define TRIREME_HARNESS_CHECK_UNBOUNDED_GROWTH_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Fails where a queue without limit has more than `queue` items (F33), a process more than `threads` threads (F32, F34)
// or `memory` bytes more than at its first look (F33), and the number rose throughout the trial: levels.h says when. What becomes
// free as the workload returns was taken until then.
//
// Needs a queue that was used (one with a limit cannot grow), or what the process took over time, ten times at least. Where that was not recorded, queues are
// judged alone, unless the scenario names `threads` or `memory`: then it is unknown.
class UnboundedGrowthChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "unbounded-growth"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  RecordingNeeds Needs(const Json& arguments) const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_UNBOUNDED_GROWTH_CHECKER_H_
