#ifndef TRIREME_HARNESS_FAULT_CLASS_TABLE_H_
#define TRIREME_HARNESS_FAULT_CLASS_TABLE_H_

#include <cstdint>
#include <span>
#include <string>

#include "harness/fault/fault.h"
#include "harness/history/compiled_plan.h"

namespace trireme {

// One class of faults in this build. The table has a line for each; see ADDING_A_FAULT.md.
struct FaultClassEntry {
  const FaultClass& (*describe)();
  // Whether such a fault can do what it says. kUsage with the fault's name first.
  Status (*check)(const Fault& fault);
  // Adds what the probe does of it, as the plan's fault `number` with the seed of its decisions; null: the probe has no
  // part in it. REQUIRES: check() takes it.
  Status (*compile)(const Fault& fault, uint32_t number, uint64_t seed, CompiledPlan& plan);
  // Why a watched program, which is no workload, cannot suffer it: "nobody can ...", or ""; null: it always can.
  std::string (*why_not_watched)(const Fault& fault) = nullptr;
};

// By the key of a fault. `at`, which no fault has as its key, is no entry.
std::span<const FaultClassEntry> FaultClassTable();

// Null when there is none.
const FaultClassEntry* FindFaultClass(const std::string& key);

// "cut: 'offset' must ...": what the checks of all classes say.
Diagnostic FaultError(const Fault& fault, const std::string& message, const std::string& hint = "");
// The same of one of its keys: of those below its class, or of `at`: "at.offset"; "": all.
Diagnostic FaultKeyError(const Fault& fault, const std::string& key, const std::string& message,
                         const std::string& hint = "");
// kUsage unless it is `every-point`, the one sweep that there is.
Status CheckSweepWord(const Fault& fault, const std::string& word);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_CLASS_TABLE_H_
