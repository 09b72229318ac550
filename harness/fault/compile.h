#ifndef TRIREME_HARNESS_FAULT_COMPILE_H_
#define TRIREME_HARNESS_FAULT_COMPILE_H_

#include <cstdint>

#include "harness/fault/fault.h"
#include "harness/history/compiled_plan.h"

namespace trireme {

// Connections that can be followed in a trial whose plan needs that.
constexpr uint32_t kPlanConnections = 4096;

// What becomes of faults that sweep, see sweep.h, where the plan of a trial does not say at which point they strike.
enum class SweepFaults {
  kLeftOut,
  kNoted,  // what they could strike at is recorded, and no more: that finds their points
};

// What the probe does of a plan, with decisions that depend on the seeds alone; empty when it has no part in the plan.
// kUsage for a plan that CheckFaultPlan() refuses.
Result<CompiledPlan> CompilePlan(const FaultPlan& plan, uint64_t trial_seed,
                                 SweepFaults sweeps = SweepFaults::kLeftOut);

// Why a watched program, which is no workload, cannot suffer it; "" when it can.
std::string WhyNotWatched(const Fault& fault);

// Each fault decides by a seed of its own, which changes with its name but not with what else the plan has: a plan that
// is reduced keeps the decisions of what is left.
uint64_t FaultSeed(const Fault& fault, uint64_t trial_seed);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_COMPILE_H_
