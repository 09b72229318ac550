#ifndef TRIREME_HARNESS_ENGINE_ENGINE_H_
#define TRIREME_HARNESS_ENGINE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/locations.h"
#include "harness/base/result.h"
#include "harness/engine/processor_times.h"
#include "harness/scenario/plan.h"

namespace trireme {

// A trial that is over: its folder in the run directory is complete but for verdict.json.
struct FinishedTrial {
  size_t cell = 0;  // index into the plan
  int64_t trial = 0;
  bool retry = false;     // the one repetition of an unknown trial
  std::string attempt;    // unique text
  std::string directory;  // trials/<cell>/<trial> or trials/<cell>/<trial>.retry, absolute
  double seconds = 0;
  Json exit;         // the value of the history's EXIT event
  Json environment;  // what the runner said of itself
};

// What the judge made of a trial; the engine knows no more of checks than this. `fail_fast` stops
// at kFail only; a trial that fails where its cell is expected to is as failed for `keep`.
enum class Judgement { kPass, kUnknown, kExpectedFail, kFail };

// Whether the folder of a trial so judged stays: `keep` is all, failed or none.
bool KeepsFolder(std::string_view keep, Judgement judgement);

// The engine's reports, all from the thread that called Run().
struct EngineEvents {
  std::function<void(size_t cell, int64_t trial)> started;
  // Judges and keeps; called once for each attempt. An unknown first attempt is repeated once,
  // alone.
  std::function<Judgement(const FinishedTrial&)> judge;
  // A cell whose runner refused: `unsupported` (its reason) or broken in itself (a workload without
  // main: usage).
  struct Refusal {
    // PROTOCOL.md: missing, syntax, no-main, import, unsupported, protocol; or `start`, the program
    // does not start; or `broken`, three runners in a row broke, and the rest of its trials is
    // given up.
    std::string reason;
    std::string message;
    int line = 0;
  };
  std::function<void(size_t cell, const Refusal&)> refused;
  std::function<void(size_t cell, const Json& environment)> ready;
  std::function<void(size_t cell, const std::string& note)>
      note;                    // said once a cell: a fall-back to isolation: process
  std::function<void()> tick;  // about ten times a second: for the progress bar
};

// How long the engine waits for what others have to do, in nanoseconds.
struct EnginePatience {
  // A runner's answer to `load`; a trial's timeout stands where it is longer. One that only waits, or
  // has used as much of the processor, is late sooner than one that could not have it: a slow import
  // on a loaded machine is no hang, and one that loops is. What did neither by then is undecided.
  int64_t load = 60'000'000'000;
  int64_t idle_load = 10'000'000'000;
  int64_t busy_load = 10'000'000'000;  // of the processor
  int64_t start = 10'000'000'000;      // its `started`
  int64_t stacks = 2'000'000'000;      // a hanging trial's stacks
  int64_t debugger = 10'000'000'000;   // gdb's; 0: gdb is not asked
  int64_t end = 5'000'000'000;         // the runner's `ended` after a SIGKILL of the trial
};

// What a cell's recordings have besides, as RecordingOptions say it; 0: nothing.
struct ExtraRecording {
  int64_t hold_threshold = 0;
  int64_t usage_interval = 0;
  bool wire = false;  // the bytes of connections, whatever the cell compares
};

struct EngineOptions {
  Locations locations;
  std::string run_directory;  // absolute; exists, with plan.json in it
  int jobs = 1;
  // So many trials of sweeps run at once where they only wait, or processors are idle: at many points a workload does nothing
  // but wait for what does not come. Not above `jobs`: no more than those.
  int most_jobs = 0;
  // Whether processors are idle; null: what is idle is not for this run.
  std::function<std::optional<ProcessorTimes>()> processors = &ReadProcessorTimes;
  int64_t budget = 0;  // nanoseconds; 0: none. When spent, no further trial starts.
  bool fail_fast = false;
  std::string keep = "all";  // all, failed, none: whose folders stay after judging
  bool record = true;
  std::vector<ExtraRecording> watches;  // by the plan's cells; none for those beyond its end
  EnginePatience patience;
  std::map<std::string, std::string>
      compiled;  // a C++ workload's source -> the object that a runner loads
};

struct EngineOutcome {
  bool interrupted = false;  // by SIGINT or SIGTERM
  bool budget_spent = false;
  bool without_ports = false;  // other runs on this machine had them all: the kernel chose those of the trials
  int64_t executed = 0;  // trials, retries not counted
  std::string
      infrastructure;  // why the run could not go on (disk full, guardian lost), "" when it could
};

// Runs the plan's trials: one zygote per (runtime, interpreter, workload) and job, a fork per
// trial, a deadline on each, the stacks of what hangs, and nothing left behind. While a trial is judged the next one
// runs, unless it is to run alone, the judgement may be that it does not, or would be in its way (faults that
// the harness does at their time, large recordings). See guardian.h for what outlives a SIGKILL of this process. REQUIRES: the process has one thread, and no other code
// in it waits for children.
Result<EngineOutcome> RunPlan(const Plan& plan, const EngineOptions& options,
                              const EngineEvents& events);

// Whether a signal has come that interrupts the run and that the loop of RunPlan() has not taken yet:
// for what takes long in one of its events. False outside of it.
bool InterruptIsPending();

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_ENGINE_H_
