#ifndef TRIREME_HARNESS_CHECK_RESUMPTION_H_
#define TRIREME_HARNESS_CHECK_RESUMPTION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/check/applied_faults.h"
#include "harness/check/trial_view.h"

namespace trireme {

// A trial that ran out of its time without getting anything done after its last fault was over.
struct Standstill {
  AppliedFault fault;
  int64_t failed = 0;        // operations that failed since, when it still tried
  int64_t last_failure = 0;  // nanoseconds since the trial began
  int64_t last_event = 0;    // of any kind, since; 0: none
};

// Nothing where a trial went on, ended, or cannot tell:
//  - its process ended, or its main did: it has nothing more to do, or no longer tries
//  - the last fault is not over, or was not for a quarter of the trial's time: nobody can ask for it yet
//  - since then something was got done: an operation acknowledged, a value observed, bytes received. However late
//  - nothing was, but in the second half of that time it still moved, and no operation failed then: it may be slow
// So what a task does by itself, as beginning a wait, trying again, or telling the time, is a sign of life and no progress: the
// wait that begins as the fault ends says nothing, nor does one that is begun again and again by what fails each time.
// REQUIRES: `faults` are those of `view`.
std::optional<Standstill> FindStandstill(const TrialView& view,
                                         const std::vector<AppliedFault>& faults);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_RESUMPTION_H_
