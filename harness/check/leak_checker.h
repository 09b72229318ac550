#ifndef TRIREME_HARNESS_CHECK_LEAK_CHECKER_H_
#define TRIREME_HARNESS_CHECK_LEAK_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Fails when tasks, threads, descriptors or processes outlived the workload, the grace of the
// census included; names that match a glob of `allow` may. Unknown when main never ended, since
// what was there then says nothing, and when nothing is found but the census could not look at
// everything.
class LeakChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "leak"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_LEAK_CHECKER_H_
