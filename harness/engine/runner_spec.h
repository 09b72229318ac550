#ifndef TRIREME_HARNESS_ENGINE_RUNNER_SPEC_H_
#define TRIREME_HARNESS_ENGINE_RUNNER_SPEC_H_

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/engine/engine.h"
#include "harness/scenario/plan.h"

namespace trireme {

// How to start a runner for a cell, and what it shall load. Cells with equal keys share runners.
struct RunnerSpec {
  std::string key;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // as LaunchRequest has it
  Json load;                             // the message
  bool isolated = false;                 // one trial a runner
};

RunnerSpec SpecFor(const PlannedCell& cell, bool isolated, const EngineOptions& options);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_RUNNER_SPEC_H_
