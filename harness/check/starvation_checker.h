#ifndef TRIREME_HARNESS_CHECK_STARVATION_CHECKER_H_
#define TRIREME_HARNESS_CHECK_STARVATION_CHECKER_H_

#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Fails where a task waited for a lock, semaphore, queue or pool and was overtaken more than `share` times for each task
// that wanted the same meanwhile, itself too (F05): others who came later were served before it. Who is served by lot
// among n is overtaken n - 1 times on average, and ten times n with a chance of e^-10.
//
// Whoever waits, comes when its wait begins; whoever need not, when it is served. Of a pool, it is the parent of a task
// that wants the place. That a task could run and did not is not judged: a history says when a task began to wait and
// when it ran again, but not when what it waited for was there, so a long wait in between may be anybody's.
//
// Needs a task that waited for an object while another was served.
class StarvationChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "starvation"; }
  std::string_view Summary() const override;
  std::vector<CheckArgument> Arguments() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_STARVATION_CHECKER_H_
