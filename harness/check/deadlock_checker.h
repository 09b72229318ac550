#ifndef TRIREME_HARNESS_CHECK_DEADLOCK_CHECKER_H_
#define TRIREME_HARNESS_CHECK_DEADLOCK_CHECKER_H_

#include <string_view>

#include "harness/check/checker.h"

namespace trireme {

// Fails where tasks can never go on as the trial ends: they wait for each other, for what a task has that ended or that
// a forked process does not have, or, in a trial that ran out of its time, for what nobody is left to give. Who could
// wake whom is argued in knots.h. Of a trial whose main ended, who waits for an event or an item is a worker without
// work: the leak check judges that.
//
// Of a watched program it judges the snapshots that its adapter took, at each of which an unlimited wait had lasted a while.
//
// Needs one wait of a task for another, with its object; unknown where tasks that never went on waited for something
// that was not recorded, and where events are missing, which may have been a release.
class DeadlockChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "deadlock"; }
  std::string_view Summary() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_DEADLOCK_CHECKER_H_
