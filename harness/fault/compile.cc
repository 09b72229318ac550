#include "harness/fault/compile.h"

#include <algorithm>

#include "harness/base/rng.h"
#include "harness/fault/class_table.h"
#include "harness/fault/precedence.h"
#include "harness/fault/sweep.h"
#include "harness/fault/system_call.h"

namespace trireme {

uint64_t FaultSeed(const Fault& fault, uint64_t trial_seed) {
  return Mix64(Mix64(fault.seed.value_or(trial_seed)) ^ Hash64(fault.name));
}

std::string WhyNotWatched(const Fault& fault) {
  const FaultClassEntry* entry = FindFaultClass(fault.key);
  return entry == nullptr || entry->why_not_watched == nullptr ? "" : entry->why_not_watched(fault);
}

// The last of its class in `compiled`.
static void OnlyNote(const Fault& fault, CompiledPlan& compiled) {
  if (fault.key == SystemCallFaultClass().key)
    compiled.rules.back().dry = 1;
  else
    compiled.block.task[compiled.block.tasks - 1].how = TRIREME_TASK_NOTED;
}

Result<CompiledPlan> CompilePlan(const FaultPlan& plan, uint64_t trial_seed, SweepFaults sweeps) {
  TRIREME_RETURN_IF_ERROR(CheckFaultPlan(plan));
  CompiledPlan compiled;
  uint32_t number = 0;
  for (const Fault& fault : plan.faults) {
    ++number;
    compiled.names.push_back(fault.name);
    const FaultClassEntry& entry = *FindFaultClass(fault.key);
    if (entry.compile == nullptr) continue;
    const bool sweep = IsSweep(fault);
    if (sweep && sweeps != SweepFaults::kNoted) continue;
    TRIREME_RETURN_IF_ERROR(entry.compile(fault, number, FaultSeed(fault, trial_seed), compiled));
    if (sweep) OnlyNote(fault, compiled);
  }
  // The probe applies those of one place in their order.
  std::ranges::stable_sort(compiled.rules, {}, [](const trireme_fault_rule& rule) {
    return PrecedenceOf(static_cast<trireme_fault_action>(rule.action), rule.error);
  });
  for (const trireme_fault_rule& rule : compiled.rules) compiled.block.calls |= rule.calls;
  if (!compiled.rules.empty() || compiled.block.flags != 0 || compiled.block.routes > 0)
    compiled.connections = kPlanConnections;
  return compiled;
}

}  // namespace trireme
