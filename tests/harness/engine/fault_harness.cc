// Runs a trial that hangs and suffers every fault of processes and resources at once, until it is ended itself: what the test of
// an aborted run ends.
//   fault_harness RUN_DIRECTORY
#include <csignal>

#include "harness/base/clock.h"
#include "harness/engine/engine.h"
#include "harness/engine/small_disk.h"
#include "harness/engine/thread_group.h"

int main(int argc, char** argv) {
  using namespace trireme;  // NOLINT(google-build-using-namespace): a program of one function
  if (argc != 2) return 2;
  Json limits = {{"nofile", 64}, {"cpu", 1}};
  if (ThreadGroupProblem().empty()) limits["threads"] = 16;
  if (SmallDiskProblem().empty()) limits["disk"] = 65536;
  Plan plan;
  PlannedCell cell;
  cell.id = "cell";
  cell.scenario = "faults";
  cell.runtime = "thread";
  cell.language = "cpp";
  cell.workload = "/fake/workload";
  cell.params = {{"do", "hang"}};
  cell.trials = {0};
  cell.timeout = 600 * kNanosecondsPerSecond;
  // In their order: who is stopped suffers all the others already.
  cell.fault_plan = {{"name", "plan"},
                     {"summary", ""},
                     {"all",
                      {{{"name", "short"}, {"resource", limits}},
                       {{"name", "stop"}, {"process", {{"signal", "STOP"}}}}}}};
  plan.cells.push_back(cell);
  EngineOptions options;
  options.locations.runner = TRIREME_FAKE_RUNNER;
  options.locations.probe = TRIREME_PROBE;
  options.run_directory = argv[1];
  const Result<EngineOutcome> outcome = RunPlan(plan, options, {});
  return outcome.ok() && outcome->interrupted ? 0 : 3;
}
