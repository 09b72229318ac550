#ifndef TRIREME_HARNESS_CLI_SWEEP_H_
#define TRIREME_HARNESS_CLI_SWEEP_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/check/judge.h"
#include "harness/cli/run_preparation.h"
#include "harness/engine/engine.h"

namespace trireme {

// Sweeps: a fault of a cell's plan that says `sweep: every-point` strikes at one point a trial. Which points there are
// shows a first pass, in which each such cell runs once without the fault; it is kept in the folder `sweep` of the run
// directory. Trial 0 of the cell has no such fault, trial k strikes at point k-1 of PlannedCell::sweep. Cells that are
// compared have the same points, those that any of them came to: trial k does the same to each.

// Whether a fault of the cell's plan is a sweep.
bool Sweeps(const PlannedCell& cell);

// Gives each cell that sweeps its points and trials. `engine`: as for the run itself. kNothing when --trial names no
// trial that there is.
Status PlanSweeps(PreparedRun& run, const std::vector<int64_t>& only_trials,
                  const EngineOptions& engine);

// Of more points than a sweep tries the first ones stay. What to say of those that were cut, "" when none was.
std::string CutPoints(Json& points);

// What the trials of sweeps came to, in words for the reports.
class SweepTally {
 public:
  explicit SweepTally(const Plan& plan) : plan_(plan) {}
  // A retry takes the place of its first attempt.
  void Add(size_t cell, int64_t trial, const TrialJudgement& judgement);
  // For cells that sweep: how many points there were, how many it came to; then at which of them it failed, in a line for each
  // way to fail.
  std::map<size_t, std::vector<std::string>> Notes() const;

 private:
  struct Outcome {
    Verdict verdict{};
    std::string reason, signature;
    bool reached = false;
  };
  const Plan& plan_;
  std::map<size_t, std::map<int64_t, Outcome>> outcomes_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_SWEEP_H_
