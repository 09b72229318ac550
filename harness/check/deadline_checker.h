#ifndef TRIREME_HARNESS_CHECK_DEADLINE_CHECKER_H_
#define TRIREME_HARNESS_CHECK_DEADLINE_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Passes when every operation `op` ended within `within`, whatever its end; exactly `within` is in
// time. One that never ended misses when the trial went on for longer than that after its begin;
// the check is unknown when it did not, and when there was no such operation.
class DeadlineChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "deadline"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_DEADLINE_CHECKER_H_
