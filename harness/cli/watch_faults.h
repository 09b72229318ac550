#ifndef TRIREME_HARNESS_CLI_WATCH_FAULTS_H_
#define TRIREME_HARNESS_CLI_WATCH_FAULTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/check/applied_faults.h"
#include "harness/fault/compile.h"
#include "harness/fault/fault.h"
#include "harness/history/history.h"

namespace trireme {

// What a watched program suffers.
struct WatchFaults {
  std::string plan;                // its name, "" for none
  std::vector<std::string> names;  // of its faults
  uint64_t seed = 1;               // of their decisions: the same each time, where none is given
  FaultPlan parsed;
  CompiledPlan compiled;
  Json all;  // the plan, as plan.json has it
};

// As --faults and --seed say it. kUsage also for a fault that a watched program cannot suffer, kInfrastructure for one that
// this machine does not allow.
Result<WatchFaults> ReadWatchFaults(const std::optional<std::string>& plan,
                                    const std::optional<std::string>& seed);

// "cut 12 times; not reached: reset", and why not where the history says it.
std::string AppliedInWords(const WatchFaults& faults, const History& history,
                           const std::vector<AppliedFault>& applied);

// A line for each connection that was hit in another task than the one that opened it, as those of a pool are.
std::vector<std::string> ReusedLines(const History& history,
                                     const std::vector<AppliedFault>& applied);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCH_FAULTS_H_
