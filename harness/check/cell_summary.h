#ifndef TRIREME_HARNESS_CHECK_CELL_SUMMARY_H_
#define TRIREME_HARNESS_CHECK_CELL_SUMMARY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/finding_set.h"
#include "harness/check/results.h"
#include "harness/check/trial_set.h"
#include "harness/check/trial_view.h"
#include "harness/check/verdict.h"
#include "harness/stats/quantiles.h"

namespace trireme {

// What a cell's trials come to: counts, findings, outcomes and metrics, from one trial at a time.
// Keeps a few bytes for each trial, and of findings and metrics only as many as a report can show;
// what it leaves out it says in notes().
class CellSummary {
 public:
  // The verdict of one attempt. Returns whether it stands: a trial that was decided keeps its
  // verdict, an unknown one takes that of its repetition. REQUIRES for all below: only for attempts
  // that stand.
  bool AddVerdict(int64_t trial, Verdict verdict, const std::string& reason);
  void AddFindings(int64_t trial, const std::vector<Finding>& findings);
  void AddSuppressed(int64_t trial, const std::vector<SuppressedFinding>& suppressed);
  // One more finding that `count` trials showed, first `first_trial`.
  void AddCellFinding(const Finding& finding, int64_t count, int64_t first_trial);
  // With the outcomes that its checks found.
  void AddMeasurements(const TrialView& view, std::set<std::string> outcomes);
  // For every attempt, also one that does not stand. What is no time that a trial can take is 0.
  void AddSeconds(double seconds);
  void AddNote(const std::string& note);

  // Without `planned`, which the plan knows.
  TrialCounts Counts() const;
  const std::vector<CellFinding>& findings() const { return findings_.all(); }
  const std::map<std::string, int64_t>& outcomes() const { return outcomes_; }
  std::vector<CellSuppression> suppressed() const;
  std::vector<std::string> notes() const;
  Json Metrics() const;
  std::optional<double> Seconds() const;  // nothing before an attempt
  // The trial to bring back: the first that failed, else the first that is unknown; -1 when all
  // passed.
  int64_t TrialToReplay() const;
  TrialSet FailedTrials() const;
  // What most of the unknown trials say, "" without one.
  std::string CommonUnknownReason() const;

 private:
  struct Metric {
    std::string unit;
    Quantiles values;
  };
  struct SuppressedTrials {
    TrialSet trials;
    FindingSet findings;
  };
  void Measure(const std::string& name, const std::string& unit, double value);

  std::unordered_map<int64_t, Verdict> verdicts_;
  int64_t decided_by_repetition_ = 0;
  std::optional<int64_t> microseconds_;  // an integer: the order of the attempts must not show
  std::map<std::string, int64_t> unknown_reasons_;
  FindingSet findings_;
  std::map<std::string, SuppressedTrials> suppressed_;  // by the place of the suppression
  std::map<std::string, int64_t> outcomes_;
  std::map<std::string, Metric> metrics_;
  bool metrics_left_out_ = false;
  std::vector<std::string> notes_;
};

struct StateWithReason {
  CellState state = CellState::kUnknown;
  std::string reason;
};

// By the rule of interface.md: fail if a trial failed, else unknown if more than `max_unknown` of
// the planned trials are (those that never ran count as such) or fewer than half were decided, else
// pass.
StateWithReason StateOf(const CellSummary& summary, int64_t planned, double max_unknown);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_CELL_SUMMARY_H_
