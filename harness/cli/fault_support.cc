#include "harness/cli/fault_support.h"

#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/strings.h"
#include "harness/cli/capabilities.h"
#include "harness/cli/table.h"
#include "harness/fault/fault_yaml.h"
#include "harness/fault/resource.h"
#include "harness/fault/system_call.h"
#include "harness/protocol/runtimes.h"

namespace trireme {
namespace {

// Calls that are told EAGAIN where they would have to wait; a fork is for want of a process.
constexpr uint32_t kWaitingCalls =
    kTransferCalls | 1U << TRIREME_CALL_ACCEPT | 1U << TRIREME_CALL_CONNECT;

// The name of a fault that asks for EAGAIN of a call that may wait; "" when there is none. What else it hits does not count, as
// of FailsAllocations().
std::string AsksNotToWait(const FaultPlan& plan) {
  for (const Fault& fault : plan.faults) {
    if (fault.key != "do") continue;
    const Result<SystemCallFault> read = ReadSystemCallFault(fault);
    const bool again = read.ok() && read->action == TRIREME_DO_ERROR && read->error == EAGAIN;
    if (again && (read->calls & kWaitingCalls) != 0) return fault.name;
  }
  return "";
}

// The name of a fault that can happen where a C++ workload allocates; "" when there is none. What else the fault or the plan
// hits does not count: without this one it would be another plan.
std::string FailsAllocations(const FaultPlan& plan) {
  for (const Fault& fault : plan.faults) {
    if (fault.key != "do") continue;
    const Result<SystemCallFault> read = ReadSystemCallFault(fault);
    if (read.ok() && (read->calls & 1U << TRIREME_CALL_MALLOC) != 0) return fault.name;
  }
  return "";
}

std::string WhyNotOn(const std::string& name, const FaultPlan& plan) {
  const RuntimeInfo* runtime = FindRuntime(name);
  if (runtime == nullptr) return "";
  const std::string allocation = FailsAllocations(plan);
  if (runtime->language == "python" && !allocation.empty())
    return "fault '" + allocation +
           "' is of malloc, which fails in C++ workloads only: `resource: {memory: N}` is for "
           "Python";
  if (!runtime->blocks) return "";
  const std::string fault = AsksNotToWait(plan);
  return fault.empty()
             ? ""
             : "fault '" + fault +
                   "' is EAGAIN, which no call on a blocking socket is told, and those of " + name +
                   " block";
}

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

// What FaultPlanToYaml() says of the faults, for a reader.
std::string Contents(const FaultPlan& plan) {
  const std::string yaml = FaultPlanToYaml(plan);
  const size_t faults = yaml.find("\nall:\n");
  std::string out;
  for (const std::string& line : Split(yaml.substr(faults + 1), '\n'))
    if (!line.empty()) out += "  " + line + "\n";
  return out;
}

std::string RuntimesOf(const FaultPlan& faults) {
  Plan plan;
  for (const RuntimeInfo& runtime : Runtimes()) {
    PlannedCell cell;
    cell.runtime = runtime.name;
    cell.fault_plan = faults.ToJson();
    plan.cells.push_back(std::move(cell));
  }
  MarkUnsupportedFaults(plan);
  std::vector<std::string> supported, reasons;
  for (const PlannedCell& cell : plan.cells)
    if (cell.unsupported.empty())
      supported.push_back(cell.runtime);
    else
      reasons.push_back("unsupported on " + cell.runtime + ": " + cell.unsupported);
  const std::string names = supported.empty() ? "none" : Join(supported, ", ");
  std::string out = Wrap("runtimes: " + names, 100, 2);
  for (const std::string& reason : reasons) out += Wrap(reason, 100, 2);
  return out;
}

}  // namespace

std::string DescribeFaultPlan(const FaultPlan& plan) {
  return plan.name + " (fault plan)\n" + Wrap(plan.summary, 100, 2) + Contents(plan) +
         RuntimesOf(plan) + "  use: trireme run SCENARIO --faults " + plan.name + "\n";
}

std::string WhyFaultsUnsupported(const FaultPlan& plan) { return FaultSupport().WhyNot(plan); }

void MarkUnsupportedFaults(Plan& plan) {
  FaultSupport support;
  for (PlannedCell& cell : plan.cells) {
    if (cell.fault_plan.is_null() || !cell.unsupported.empty()) continue;
    const Result<FaultPlan> faults = FaultPlan::FromJson(cell.fault_plan);
    if (!faults.ok()) continue;
    cell.unsupported = support.WhyNot(*faults);
    if (cell.unsupported.empty()) cell.unsupported = WhyNotOn(cell.runtime, *faults);
  }
}

}  // namespace trireme
