#ifndef TRIREME_HARNESS_CHECK_TASK_FAULTS_H_
#define TRIREME_HARNESS_CHECK_TASK_FAULTS_H_

#include <string_view>

#include "harness/check/trial_view.h"

namespace trireme {

// Whether a fault of the plan cancelled a task of the trial, or ended its time.
bool HasTaskFault(const TrialView& view);

// Whether an error is what such a fault raised. That nobody caught it is no mistake: the plan asked for it, and whoever
// joins a cancelled task is told so. What else it led to is.
bool IsOfTaskFault(const TrialView& view, const TrialError& error);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_TASK_FAULTS_H_
