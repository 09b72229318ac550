#ifndef TRIREME_HARNESS_CHECK_HUB_SPIN_CHECKER_H_
#define TRIREME_HARNESS_CHECK_HUB_SPIN_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Fails when a loop spun for `for`: it used more than 90 % of the processor time that it could have, went round very
// often, and nothing came of it. By USAGE events of probe_abi.h.
//
// "Nothing came of it": in that time no byte was read or written in the process, no operation, observation or outcome was
// recorded, no task began or ended, no wait but for time ended, nothing was put, taken or set. So a loop that is busy
// because there is much to do does not spin.
//
// "Very often": a turn (a poll or a step of a task) took less than 200 us of processor time on average. That is what tells
// a spin from a task that computes in pieces and gives way between them, of which no event tells either: whoever computes
// does so for longer than it costs to give way, which is some ten microseconds on every runtime. A task that is known to
// compute in smaller pieces should record something of it, or not be checked with this.
//
// A busy machine hides no spin: a thread that never goes to sleep used what it could have, however little that was. That
// has to be a tenth of `for`, so that what takes a moment of a processor, and long to get it, is none.
//
// There are two kinds. Polls that find events which nobody takes (a descriptor that stays ready) are waste by
// themselves. Where the polls find nothing, some task or timer is always due: a task that asks again and again whether
// something has happened. That one is a guess where only a program was watched, whose tasks may do things that are not
// recorded: there it is advisory.
//
// Needs a recording with USAGE, at least five times in `for`, and a loop.
class HubSpinChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "hub-spin"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  RecordingNeeds Needs(const Json& arguments) const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_HUB_SPIN_CHECKER_H_
