#ifndef TRIREME_HARNESS_CLI_RUN_EXECUTION_H_
#define TRIREME_HARNESS_CLI_RUN_EXECUTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/locations.h"
#include "harness/base/result.h"
#include "harness/check/judge.h"
#include "harness/cli/progress.h"
#include "harness/cli/run_directory.h"
#include "harness/cli/run_options.h"
#include "harness/cli/run_preparation.h"
#include "harness/cli/sweep.h"
#include "harness/engine/engine.h"

namespace trireme {

// Joins the engine and the checks: every trial that ends is judged and its verdict kept, and at the
// end the results are added up. Neither of the two knows the other.
class RunExecution {
 public:
  // All must outlive this.
  RunExecution(const PreparedRun& run, const RunOptions& options, RunDirectory& directory,
               Progress& progress);

  // Runs the plan to its end, or to an interruption. `about` is run.json; results.json is not
  // written here. An error when the engine could not start.
  Result<RunResults> Execute(const Locations& locations, const Json& about);

 private:
  EngineEvents Events();
  Judgement Judge(const FinishedTrial& finished);
  void Refuse(size_t cell, const EngineEvents::Refusal& refusal);
  RunResults Finish(const EngineOutcome& outcome, const Json& about);
  // The first failure to write stands; the run goes on, what is in memory is still reported.
  void Keep(const Status& written);

  const PreparedRun& run_;
  const RunOptions& options_;
  RunDirectory& directory_;
  Progress& progress_;
  RunJudge judge_;
  SweepTally sweeps_;
  std::string write_error_;
  std::string start_error_;
  bool failed_fast_ = false;
};

// How the engine runs what the options ask for.
EngineOptions EngineOptionsFor(const PreparedRun& run, const RunOptions& options,
                               const Locations& locations, const std::string& run_directory);

// The number of cores.
int DefaultJobs();

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_RUN_EXECUTION_H_
