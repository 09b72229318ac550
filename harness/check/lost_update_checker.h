#ifndef TRIREME_HARNESS_CHECK_LOST_UPDATE_CHECKER_H_
#define TRIREME_HARNESS_CHECK_LOST_UPDATE_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Passes when the observation `final` is the sum of the acknowledged operations `op`: their values,
// or 1 each where they have none. An operation that failed did not happen; one of unknown fate
// (info, or never ended) may have, so each widens the allowed range by its value. Unknown without
// `final`, and unless two tasks that lived at the same time did one.
class LostUpdateChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "lost-update"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_LOST_UPDATE_CHECKER_H_
