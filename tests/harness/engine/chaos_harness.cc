// Runs a plan on the fake runner until it is killed: what the chaos test kills at random moments.
//   chaos_harness RUN_DIRECTORY SEED
#include <cstdio>
#include <cstdlib>

#include "harness/base/clock.h"
#include "harness/base/rng.h"
#include "harness/engine/engine.h"
#include "tests/harness/engine/chaos_behaviours.h"

int main(int argc, char** argv) {
  using namespace trireme;  // NOLINT(google-build-using-namespace): a program of one function
  if (argc != 3) return 2;
  Plan plan;
  Rng rng(std::strtoull(argv[2], nullptr, 10));
  plan.seed = rng.Next();
  // Two that record all the time, and two that misbehave, in an order of the seed's.
  for (int i = 0; i < 4; ++i) {
    PlannedCell cell;
    cell.id = "cell-" + std::to_string(i);
    cell.scenario = "chaos";
    cell.runtime = "thread";
    cell.language = "cpp";
    cell.workload = "/fake/workload";
    cell.params = i % 2 == 0 ? Json{{"do", "write-count"}}
                             : kChaosBehaviours[rng.Below(kChaosBehaviours.size())].Params();
    for (int64_t trial = 0; trial < 1000; ++trial) cell.trials.push_back(trial);
    cell.timeout = static_cast<int64_t>(20 + rng.Below(200)) * kNanosecondsPerMillisecond;
    cell.memory = int64_t{512} << 20;
    plan.cells.push_back(cell);
  }
  EngineOptions options;
  options.locations.runner = TRIREME_FAKE_RUNNER;
  options.locations.probe = TRIREME_PROBE;
  options.run_directory = argv[1];
  options.jobs = 2;
  options.patience.start = options.patience.end = 300 * kNanosecondsPerMillisecond;
  const Result<EngineOutcome> outcome = RunPlan(plan, options, {});
  return outcome.ok() ? 0 : 3;
}
