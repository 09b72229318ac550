#ifndef TRIREME_HARNESS_CHECK_SUPPRESSION_H_
#define TRIREME_HARNESS_CHECK_SUPPRESSION_H_

#include "harness/base/json.h"
#include "harness/check/verdict.h"

namespace trireme {

// Whether a suppression {"kind", "frames"} matches: the finding's kind is that one, and each glob of `frames` matches a
// frame of one of its participants. Total: what has no frames matches nothing.
bool IsSuppressedBy(const Json& suppression, const Finding& finding);

// Takes out the findings that one of `suppressions` matches. A result that failed for those alone passes.
CheckResult WithoutSuppressed(CheckResult result, const Json& suppressions);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_SUPPRESSION_H_
