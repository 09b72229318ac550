#ifndef TRIREME_HARNESS_CHECK_OVERLAP_CHECKER_H_
#define TRIREME_HARNESS_CHECK_OVERLAP_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Passes when no two operations of `ops` by different tasks were ever open at once.
//
// Clocks tick coarsely, so equal times say nothing of order, and operations that only touch do not
// overlap. One that never ended stays open for ever. Unknown unless two tasks that lived at the
// same time did one: less exercises nothing.
//
// Takes O(n log n) in the operations.
class OverlapChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "overlap"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_OVERLAP_CHECKER_H_
