#ifndef TRIREME_HARNESS_CHECK_CELL_FAULTS_H_
#define TRIREME_HARNESS_CHECK_CELL_FAULTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/datagram_faults.h"
#include "harness/check/equivalence.h"
#include "harness/check/fault_effect.h"
#include "harness/check/fault_log.h"
#include "harness/check/results.h"
#include "harness/check/trial_view.h"
#include "harness/stats/quantiles.h"

namespace trireme {

// What the trials of one cell made of its fault plan, from one trial at a time. Of a trial it keeps a hash of its fault
// log and a few bytes; logs and streams themselves of the first kKeptLogs trials only. Of sweeps, which strike at one
// connection a trial, it keeps all logs, with what became of that connection.
class CellFaults {
 public:
  static constexpr size_t kKeptLogs = 20;
  static constexpr size_t kKeptBytes = 4 << 20;  // of streams, a trial

  explicit CellFaults(const Json& cell);  // of plan.json

  bool planned() const { return planned_; }  // the cell has a fault plan

  // An attempt that stands; that of a repetition takes the place of the one before.
  void AddTrial(int64_t trial, const TrialView& view, Verdict verdict, const std::string& reason,
                const std::vector<Finding>& findings, bool not_exercised);

  // Compares the log of each trial with that of the same seed in the reference. The difference, where there is one, is a
  // defect of the harness: other faults for the same bytes.
  std::optional<Difference> CompareLogs(const CellFaults& reference,
                                        const std::string& reference_name,
                                        const std::string& scenario);

  std::map<int64_t, Streams> KeptStreams() const;

  // `faults_applied`, `fault_log` and `under_faults` of results.json; nothing without a plan. `cell` has its state,
  // reason and findings already.
  void Describe(CellResult& cell) const;

 private:
  struct Compared {
    int64_t trials = 0, undecided = 0;
    int64_t nothing = 0;  // in neither was there a fault that can be compared; none of `trials`
    int64_t by_state[4] = {};
    FaultLogComparison worst;
  };
  // How often each fault was applied, and in how many trials it was not reached.
  struct Counts {
    std::map<std::string, int64_t> applied, not_reached;
    void Add(const Counts& other);
  };
  Counts AllCounts() const;
  void KeepLog(int64_t trial, FaultLog log);
  void KeepPointLog(int64_t trial, FaultLog log);
  const FaultLog* FindLog(int64_t trial) const;
  void KeepReused(int64_t trial, const FaultLog& log);
  Json ReusedJson() const;
  Json LogJson() const;
  Json EffectJson(const CellResult& cell) const;
  bool NeverReached(const CellResult& cell) const;
  std::pair<FaultEffect, std::string> EffectOnCell(const CellResult& cell) const;

  bool planned_ = false, keeps_logs_ = false;
  std::map<int64_t, FaultEffect> effects_;
  std::map<FaultEffect, std::string> reasons_;  // the first of each
  std::map<int64_t, std::string> hashes_;
  std::map<int64_t, FaultLog> logs_;
  std::map<int64_t, FaultLog> point_logs_;  // of later trials of a sweep
  std::vector<std::string> points_;         // the connection of each point; none where the plan does more than sweep
  Counts counts_;                        // of the trials that were decided
  std::map<int64_t, Counts> undecided_;  // of the others: one that is repeated counts as it is then
  DatagramFaults datagrams_;
  std::optional<int64_t> reused_in_;  // the first trial with such connections, which follow
  std::vector<ReusedConnection> reused_;
  std::optional<Compared> compared_;
  Quantiles notices_, recoveries_, cpu_;  // seconds
  int64_t failed_ = 0, duplicates_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_CELL_FAULTS_H_
