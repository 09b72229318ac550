#ifndef TRIREME_HARNESS_CLI_RUN_DIRECTORY_H_
#define TRIREME_HARNESS_CLI_RUN_DIRECTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/unique_fd.h"
#include "harness/check/judge.h"
#include "harness/scenario/plan.h"

namespace trireme {

// The folder of one run (interface.md section 6): made before anything runs, complete when
// results.json is there. Whatever ends the program in between leaves what was written.
class RunDirectory {
 public:
  // `out` is --out, "" for trireme-runs/<time>-<id>. An error for a folder that already holds
  // something.
  static Result<RunDirectory> Create(const std::string& out, uint64_t id, int64_t wall_time);

  const std::string& shown() const { return shown_; }  // as the user would write it
  const std::string& path() const { return path_; }    // absolute

  // An error where its path leads elsewhere: it was removed, renamed, or a mount lies over it or is gone. What is
  // written by that path from then on is not where the rest is.
  Status InPlace() const;

  Status WriteRun(const Json& run);
  Status WritePlan(const Plan& plan);
  // A trial's line of trials.jsonl, and verdict.json in a folder that stays. Called for each attempt.
  Status WriteTrial(const std::string& trial_directory, const TrialJudgement& judgement,
                    bool stays);
  // Last, and whole or not at all.
  Status WriteResults(const RunResults& results);

 private:
  RunDirectory(std::string shown, std::string path, UniqueFd folder)
      : shown_(std::move(shown)), path_(std::move(path)), folder_(std::move(folder)) {}

  std::string shown_, path_;
  UniqueFd folder_;  // as it was made
};

// sysname, release, machine, cores, memory, the processor's model.
Json DescribeHost();

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_RUN_DIRECTORY_H_
