#ifndef TRIREME_HARNESS_CHECK_GIL_CHECKER_H_
#define TRIREME_HARNESS_CHECK_GIL_CHECKER_H_

#include <string_view>

#include "harness/check/checker.h"

namespace trireme {

// Unknown, with a finding, when a free-threaded Python ran with the GIL: something that the
// workload imported turned it on, so the trial says nothing of threads that run at once. Where the
// runtime's own library does so, its runner refuses, and the cell is unsupported.
class GilChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "gil-enabled"; }
  std::string_view Summary() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_GIL_CHECKER_H_
