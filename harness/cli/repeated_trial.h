#ifndef TRIREME_HARNESS_CLI_REPEATED_TRIAL_H_
#define TRIREME_HARNESS_CLI_REPEATED_TRIAL_H_

#include <cstdint>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/cli/run_preparation.h"
#include "harness/engine/engine.h"

namespace trireme {

// How often repeats of a trial showed a finding.
struct Repeats {
  int64_t run = 0;
  int64_t failed = 0;
  int64_t decided = 0;  // that failed or passed
  bool budget_spent = false;
  bool interrupted = false;
};

// How many repeats there are to be.
struct RepeatRequest {
  int64_t times = 1;
  bool until_shown = false;  // none is begun once one showed the finding, unless that is of a comparison
};

// One trial of a run, to be run again, with the same seed, under other faults.
class RepeatedTrial {
 public:
  // `run` must outlive this; `cell` and `trial` are of its plan; `signature` is the finding's that is looked for.
  // `against_reference`: the finding comes of a comparison, so that the reference has to suffer the same.
  RepeatedTrial(const PreparedRun& run, size_t cell, int64_t trial, std::string signature,
                bool against_reference);

  // Runs it again under `fault_plan` (null: none), with `engine` but in its folder `folder`, which is removed.
  Result<Repeats> Run(const Json& fault_plan, const RepeatRequest& request, EngineOptions engine,
                      const std::string& folder) const;

 private:
  Plan PlanOf(const Json& fault_plan, int64_t times) const;

  const PreparedRun& run_;
  size_t cell_;
  int64_t trial_;
  std::string signature_;
  bool against_reference_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_REPEATED_TRIAL_H_
