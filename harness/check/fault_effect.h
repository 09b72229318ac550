#ifndef TRIREME_HARNESS_CHECK_FAULT_EFFECT_H_
#define TRIREME_HARNESS_CHECK_FAULT_EFFECT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/check/trial_view.h"
#include "harness/check/verdict.h"

namespace trireme {

// What faults did to a trial or a cell. Ordered: the heaviest of several stands.
enum class FaultEffect {
  kNotReached,  // no fault of the plan was applied
  kSurvived,    // nothing failed, or what failed was the end of it and was handled
  kRecovered,   // operations failed, and later ones were acknowledged
  kUnknown,
  kFailed,  // a check objects to something else (a leak, a task that stayed), nothing worked, ever or
            // any more, or a command says that it failed
  kWrongError,
  kMoreData,  // a number was greater than in the reference: it got more done, or something twice
  kLostData,  // lost, done twice, or otherwise than in the reference
  kHung,
  kCrashed
};
inline constexpr int kFaultEffects = 10;

std::string_view FaultEffectName(FaultEffect effect);  // "not reached", "wrong error", ...

// By the finding alone; kSurvived for an advisory one.
FaultEffect EffectOf(const Finding& finding);

struct TrialEffect {
  FaultEffect effect = FaultEffect::kNotReached;
  std::string reason;      // of what is neither survived nor recovered
  int64_t failed = 0;      // operations that ended in fail or info after the first fault
  int64_t duplicates = 0;  // operations of one name and value that were acknowledged again
  bool acknowledged = false;  // whether any operation of the trial was
  bool only_before = false;   // some were, but none after a fault, though they were tried
  std::vector<int64_t>
      notices;  // nanoseconds from a fault to the end of the operation that was open on it, or to
                // what its task did next
  int64_t recovery =
      -1;  // the longest from a fault's end to the next acknowledged operation, where some failed
  double cpu_seconds =
      -1;  // of its processes, from the first fault until all are over and it recovered, or its
           // timeout; -1: not recorded
};

// `verdict`, `reason` and `findings` are what the checks said of the trial; `not_exercised`: it is unknown only because it did
// nothing that some of them are about. Where no fault was applied, that is no doubt about it. Takes O(n log n) in the events.
TrialEffect EffectOnTrial(const TrialView& view, Verdict verdict, const std::string& reason,
                          const std::vector<Finding>& findings, bool not_exercised);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_FAULT_EFFECT_H_
