#ifndef TRIREME_HARNESS_CHECK_OPERATIONS_H_
#define TRIREME_HARNESS_CHECK_OPERATIONS_H_

#include <set>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/trial_view.h"
#include "harness/history/history.h"

namespace trireme {

// What the checks on operations share. Pointers point into `view`.

std::vector<const Operation*> OperationsNamed(const TrialView& view,
                                              const std::vector<std::string>& names);
std::set<uint32_t> TasksOf(const std::vector<const Operation*>& operations);

// "sell 3 of worker-1 (12ms..14ms)"
std::string DescribeOperation(const TrialView& view, const Operation& operation);
Json OperationEvidence(const Operation& operation);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_OPERATIONS_H_
