#ifndef TRIREME_HARNESS_CHECK_INVARIANT_CHECKER_H_
#define TRIREME_HARNESS_CHECK_INVARIANT_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// What has to hold whatever faults a plan injects:
//   acknowledged  of operations `ops`, each value that was acknowledged is in the observation `final`, and none of them
//                 more often than it was invoked: neither lost nor done twice. Only with both arguments
//   bytes         what one end of a connection read is a beginning of what the other end wrote, where both were recorded.
//                 Datagrams may be lost, doubled and reordered. With `mark`, no connection has a mark of another one in
//                 it (connection_marks.h): what a program mixes up before it writes it. For connections that serve one
//                 client each
//   tasks         no task outlived the workload. The check leak says the same, and says it where a cell has it
//   progress      a trial that was ended at its timeout got something done after its last fault was over: an operation was
//                 acknowledged, a value observed, bytes received. What else happened counts in the second half of that
//                 time, where no operation failed then (resumption.h)
//
// An operation that failed, or of which nobody knows whether it happened, may be in `final` or not, but as often as it
// was invoked. Not exercised where none of these could be looked at in a cell that has a fault plan, or that records bytes:
// no fault was applied, no bytes are there, and no arguments. In a cell that has neither, what is left are its tasks. Judged
// by default in the cells that have a fault plan.
class InvariantChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "invariant"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  RecordingNeeds Needs(const Json& arguments) const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_INVARIANT_CHECKER_H_
