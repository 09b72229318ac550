#include "harness/fault/fault.h"

#include <cmath>
#include <cstdint>
#include <set>

#include "harness/fault/class_table.h"
#include "harness/fault/contradictions.h"
#include "harness/fault/system_call.h"

namespace trireme {
namespace {

// Faults have 16 bits for their number in what the probe reads.
constexpr size_t kMostFaults = 65'535;

Status CheckNamesOf(const FaultPlan& plan) {
  std::set<std::string> names;
  for (const Fault& fault : plan.faults)
    if (!names.insert(fault.name).second)
      return UsageError("two faults of plan '" + plan.name + "' are named '" + fault.name + "'",
                        "its events in the history could not be told apart");
  if (plan.faults.size() > kMostFaults)
    return UsageError("plan '" + plan.name + "' has more than " + std::to_string(kMostFaults) +
                      " faults");
  return Done{};
}

}  // namespace

uint64_t ChanceOf(double share) {
  const double scaled = std::ldexp(share, 64);
  return scaled >= std::ldexp(1.0, 64) ? UINT64_MAX : static_cast<uint64_t>(scaled);
}

const std::vector<FaultClass>& FaultClasses() {
  static const auto& classes = *[] {
    auto* all = new std::vector<FaultClass>{SystemCallPlaceClass()};
    for (const FaultClassEntry& entry : FaultClassTable()) all->push_back(entry.describe());
    return all;
  }();
  return classes;
}

Status CheckFaultPlan(const FaultPlan& plan) {
  TRIREME_RETURN_IF_ERROR(CheckNamesOf(plan));
  for (const Fault& fault : plan.faults) {
    const FaultClassEntry* entry = FindFaultClass(fault.key);
    if (entry == nullptr) return FaultError(fault, "there is no class '" + fault.key + "'");
    if (fault.key != "do" && !fault.at.empty())
      return FaultKeyError(fault, "at", "'at' belongs to 'do', not to '" + fault.key + "'");
    TRIREME_RETURN_IF_ERROR(entry->check(fault));
  }
  return CheckContradictions(plan);
}

}  // namespace trireme
