#ifndef TRIREME_HARNESS_CHECK_JUDGE_H_
#define TRIREME_HARNESS_CHECK_JUDGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/stop_request.h"
#include "harness/check/checker.h"
#include "harness/check/results.h"
#include "harness/check/verdict.h"

namespace trireme {

// A trial that is over, as its folder holds it.
struct TrialToJudge {
  int64_t trial = 0;
  bool retry = false;   // the one repetition of an unknown trial
  std::string attempt;  // unique text
  std::string directory;
  double seconds = 0;  // used where the history does not say
};

struct TrialJudgement {
  Verdict verdict = Verdict::kUnknown;
  std::string reason;       // of a verdict that is not pass
  bool not_exercised = false;  // unknown only because the trial did nothing that some of its checks are about
  std::string unsupported;  // not empty: the workload said so, and neither crashed nor hung; the
                            // trial needs no retry, and the cell is unsupported if none was decided
  // It was still running when the run was interrupted: it counts as not executed, and has no line.
  bool in_flight = false;
  std::vector<Finding> findings;
  std::vector<SuppressedFinding> suppressed;
  std::set<std::string> outcomes;  // that its checks found
  std::set<std::string> faults;    // names of those that were applied
  Json document;                   // verdict.json
  Json line;  // one line of trials.jsonl: {id, cell, trial, seed, attempt, retry, verdict, seconds}
};

// Why a trial is unknown whose judging was stopped.
inline constexpr const char* kStoppedJudging =
    "cut short: the run was interrupted while it was judged";

// Judges one trial by the checks of its cell; pure. Stopped between two checks it is unknown, or what
// those before have found.
TrialJudgement JudgeTrial(const TrialView& view, const StopRequest& stop = nullptr);

// Judges a run while it goes on, or a saved one: the same path for both. Fed with one trial at a
// time; what it keeps does not grow with the number of trials, but for a few bytes each.
//
// Order of calls: JudgeTrial, Refuse, SetEnvironment and AddNote as things happen, Finish once at
// the end. Thread safety: none; one thread.
class RunJudge {
 public:
  // `plan` is plan.json. Total: what is missing in it is empty. `stop` is asked while a trial is read
  // and judged: one that was stopped is unknown, and its folder can be judged again.
  explicit RunJudge(const Json& plan, StopRequest stop = nullptr);
  ~RunJudge();
  RunJudge(const RunJudge&) = delete;
  RunJudge& operator=(const RunJudge&) = delete;

  size_t cell_count() const;

  // Reads the trial's folder (history.trh, or the history.ring that a killed harness left) and
  // judges it; a folder that cannot be read is unknown. A retry takes the place of the unknown
  // attempt before it.
  TrialJudgement JudgeTrial(size_t cell, const TrialToJudge& trial);

  // The cell cannot run, or not on: unsupported with its reason (`state` kUnsupported), or broken in
  // itself (kUnknown). What its trials showed before stands where it weighs more: a cell with a
  // failed trial fails.
  void Refuse(size_t cell, CellState state, const std::string& reason);
  void SetEnvironment(size_t cell, const Json& environment);
  void AddNote(size_t cell, const std::string& note);  // said once
  void AddRunNote(const std::string& note);

  // Compares the cells with their references, judges the expectations and adds everything up. `run`
  // is run.json.
  RunResults Finish(const Json& run);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A saved run, judged again from its folder alone. Total but for a folder whose plan.json names no
// cells: whatever else is missing, damaged or of a wrong shape is unknown, and a note or the cell's
// reason names the file and the member. A cell keeps its earlier result where
// run.json says that the run threw trials' folders away (--keep), its own or its reference's; trials
// that are missing without that are lost evidence, and the cell is unknown. `each`, where it is
// given, is called with every trial's judgement. `suppressions`, where they are given, stand instead of
// those of the plan.
Result<RunResults> JudgeSavedRun(
    const std::string& directory,
    const std::function<void(size_t cell, const TrialJudgement&)>& each = nullptr,
    const std::optional<std::vector<Suppression>>& suppressions = std::nullopt);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_JUDGE_H_
