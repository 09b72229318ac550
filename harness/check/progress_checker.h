#ifndef TRIREME_HARNESS_CHECK_PROGRESS_CHECKER_H_
#define TRIREME_HARNESS_CHECK_PROGRESS_CHECKER_H_

#include <string_view>

#include "harness/check/checker.h"

namespace trireme {

// Fails as `hang` when the trial's time ran out and nothing moved in its last quarter: no
// operation, observation, task start or end, switch or byte. Unknown when it still progressed: too
// slow is not stuck. A task that comes back from a sleep was switched to, on every runtime: so a loop
// that asks and sleeps is the same on threads, whose switches the kernel makes, as on a hub. Who
// waits for whom then, where the history has it, is the same graph that the deadlock check judges
// (knots.h).
//
// The signature is made from what the blocked tasks wait for, which is the same on every runtime
// and with or without a debugger on the machine; only a trial that recorded no wait (a loop that
// holds the GIL, say) is known by its stacks.
class ProgressChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "progress"; }
  std::string_view Summary() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_PROGRESS_CHECKER_H_
