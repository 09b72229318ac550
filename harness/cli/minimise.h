#ifndef TRIREME_HARNESS_CLI_MINIMISE_H_
#define TRIREME_HARNESS_CLI_MINIMISE_H_

#include <cstdint>
#include <string>

#include "harness/check/results.h"
#include "harness/cli/repeated_trial.h"
#include "harness/cli/run_directory.h"
#include "harness/cli/run_preparation.h"
#include "harness/engine/engine.h"

namespace trireme {

// `run --minimise`. Of each cell that failed under faults, what was applied in the first trial that shows its first
// finding is brought again, less and less of it (base/ddmin.h), as long as the finding comes again; then its numbers are
// made simpler. What is left is printed as a plan and written beside the trial.
//
// All that was applied is run five times first. Where it failed each time, a reduction has to fail in each of three
// trials; of those that are undecided nothing is known, and most have to be decided. Where it failed sometimes, by chance,
// a reduction has to fail once in so many trials that one which fails as often as the whole would be missed one time in a
// hundred. How often that is, five trials do not tell: by a few fortunate ones, reductions would be tried too seldom; so
// twenty are run. And where it did not fail in five, it is run on until it does: what fails in one trial of ten would pass
// five in six times of ten.
struct MinimiseOptions {
  EngineOptions engine;       // as for the run
  int64_t deadline = 0;       // of SystemClock().Now(); 0: none
  int64_t most_trials = 500;  // of each cell
};

// Returns the exit code that the run ends with: `code`, unless it was interrupted or the machine failed.
int MinimiseFailures(const PreparedRun& run, const RunResults& results,
                     const RunDirectory& directory, const MinimiseOptions& options, int code);

// How many more trials of all that was applied are needed after these, and whether one that fails is enough of them;
// `times` is 0 when no more are.
RepeatRequest MoreOfTheWhole(const Repeats& so_far);

// How many trials miss a failure of that rate one time in a hundred. REQUIRES: 0 < failed <= run.
int64_t TrialsToSeeOnce(int64_t failed, int64_t run);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_MINIMISE_H_
