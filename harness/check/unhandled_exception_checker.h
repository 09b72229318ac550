#ifndef TRIREME_HARNESS_CHECK_UNHANDLED_EXCEPTION_CHECKER_H_
#define TRIREME_HARNESS_CHECK_UNHANDLED_EXCEPTION_CHECKER_H_

#include <string_view>

#include "harness/check/checker.h"

namespace trireme {

// Fails for each exception that nobody caught, wherever the runtime put it (a hub,
// threading.excepthook, a loop's handler, a task that nobody joined, std::terminate), and for one
// that left main. Unknown when the workload was cut short.
class UnhandledExceptionChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "unhandled-exception"; }
  std::string_view Summary() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_UNHANDLED_EXCEPTION_CHECKER_H_
