// What a trial costs the engine: the folder, the recording and its sealing, the pipes and messages,
// and the fork of a runner that does nothing else. Goals: 1 ms a trial, 60 MiB resident and no
// growth over 10,000 trials. ci/bench measures the same of the whole program.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "harness/base/check.h"
#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/engine/engine.h"

namespace trireme {
namespace {

double ResidentMebibytes() {
  const Result<std::string> text = ReadFile("/proc/self/statm");
  long total = 0;
  long resident = 0;
  TRIREME_CHECK(text.ok() && std::sscanf(text->c_str(), "%ld %ld", &total, &resident) == 2);
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

Plan EmptyTrials(int64_t trials) {
  PlannedCell cell;
  cell.id = "empty";
  cell.scenario = "empty";
  cell.runtime = "thread";
  cell.language = "cpp";
  cell.workload = "/fake/workload";
  cell.timeout = 30 * kNanosecondsPerSecond;
  for (int64_t trial = 0; trial < trials; ++trial) cell.trials.push_back(trial);
  Plan plan;
  plan.cells.push_back(cell);
  return plan;
}

void EmptyTrial(benchmark::State& state) {
  const Plan plan = EmptyTrials(state.range(0));
  EngineOptions options;
  options.locations.runner = TRIREME_FAKE_RUNNER;
  options.locations.probe = TRIREME_PROBE;
  options.keep = "none";
  int64_t finished = 0;
  double early = 0;
  EngineEvents events;
  events.judge = [&](const FinishedTrial&) {
    if (++finished == 1000) early = ResidentMebibytes();
    return Judgement::kPass;
  };
  for (auto _ : state) {
    const TemporaryDirectory run;
    options.run_directory = run.path();
    TRIREME_CHECK(RunPlan(plan, options, events).ok());
  }
  state.SetItemsProcessed(finished);
  state.counters["s_per_trial"] = benchmark::Counter(
      static_cast<double>(finished), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["MiB_after_1000"] = early;
  state.counters["MiB_at_the_end"] = ResidentMebibytes();
}
BENCHMARK(EmptyTrial)->Arg(10'000)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace trireme
