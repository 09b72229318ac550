#ifndef TRIREME_HARNESS_SCENARIO_REPLAY_H_
#define TRIREME_HARNESS_SCENARIO_REPLAY_H_

#include <string>

#include "harness/scenario/plan.h"

namespace trireme {

// The command that plans this cell again and nothing else, with every option that shaped it, quoted
// for a shell.
std::string ReplayLine(const Scenario& scenario, const PlannedCell& cell,
                       const PlanOptions& options);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_REPLAY_H_
