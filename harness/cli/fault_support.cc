#include "harness/cli/fault_support.h"

#include <map>
#include <optional>
#include <string>

#include "harness/cli/capabilities.h"
#include "harness/fault/resource.h"

namespace trireme {
namespace {

// Tries each capability once.
class FaultSupport {
 public:
  // Why a fault of the plan cannot be done here; "" when all can.
  std::string WhyNot(const FaultPlan& plan) {
    for (const Fault& fault : plan.faults) {
      if (fault.key != ResourceFaultClass().key) continue;
      const Result<ResourceFault> read = ReadResourceFault(fault);
      if (!read.ok()) continue;
      for (const std::string& name : CapabilitiesOf(*read))
        if (const std::string why = ProblemOf(name); !why.empty())
          return "fault '" + fault.name + "' needs " + name + ": " + why;
    }
    return "";
  }

 private:
  const std::string& ProblemOf(const std::string& name) {
    const auto [known, added] = problems_.try_emplace(name);
    if (!added) return known->second;
    for (const Capability& capability : ProbeCapabilities({name}))
      if (!capability.available) known->second = capability.reason;
    return known->second;
  }

  std::map<std::string, std::string> problems_;  // by capability; "": there is none
};

}  // namespace

void MarkUnsupportedFaults(Plan& plan) {
  FaultSupport support;
  for (PlannedCell& cell : plan.cells) {
    if (cell.fault_plan.is_null() || !cell.unsupported.empty()) continue;
    const Result<FaultPlan> faults = FaultPlan::FromJson(cell.fault_plan);
    if (faults.ok()) cell.unsupported = support.WhyNot(*faults);
  }
}

}  // namespace trireme
