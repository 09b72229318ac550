#ifndef TRIREME_HARNESS_SCENARIO_REPLAY_H_
#define TRIREME_HARNESS_SCENARIO_REPLAY_H_

#include <string>
#include <vector>

#include "harness/scenario/plan.h"

namespace trireme {

// The command that plans this cell and its reference again, with every option that shaped them,
// quoted for a shell; where a fault sweeps, all the cells that are compared with it, `siblings`: it is from them all
// that a trial's number counts points. REQUIRES: the cell's reference_name is set.
std::string ReplayLine(const Scenario& scenario, const PlannedCell& cell,
                       const std::vector<PlannedCell>& siblings, const FaultChoice& faults,
                       const PlanOptions& options);

// The line with a further option, before the command that may end it.
std::string WithOption(const std::string& replay, const std::string& option);
// The line with the faults of plan file `file` instead of those it names, if any.
std::string WithFaults(const std::string& replay, const std::string& file);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_REPLAY_H_
