#ifndef TRIREME_HARNESS_CHECK_CRASH_CHECKER_H_
#define TRIREME_HARNESS_CHECK_CRASH_CHECKER_H_

#include <string_view>

#include "harness/check/checker.h"

namespace trireme {

// Fails when the trial's process died by a signal, left before main ended, broke the protocol, used
// more memory than it was allowed, or vanished; of a command, when the command did. Unknown when the history does not say how it ended.
class CrashChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "crash"; }
  std::string_view Summary() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_CRASH_CHECKER_H_
