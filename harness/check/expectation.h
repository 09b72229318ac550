#ifndef TRIREME_HARNESS_CHECK_EXPECTATION_H_
#define TRIREME_HARNESS_CHECK_EXPECTATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/results.h"
#include "harness/stats/exact.h"

namespace trireme {

// At which an expected rate is rejected: a cell that keeps to its rate is called unexpected in at
// most one run of a hundred per side.
inline constexpr double kRateAlpha = 0.01;

// What a scenario expects of a cell: `expect` of its plan (interface.md section 2.1, Expectations).
struct CellExpectation {
  std::vector<std::string> verdicts = {"pass"};      // any of them
  std::string finding;                               // at least one of this kind
  std::optional<std::vector<std::string>> findings;  // exactly these kinds
  std::string outcome;                               // in every trial that was decided
  std::optional<Interval> rate;                      // share of failing trials
  // The cell has all trials of its plan. A selection of them (--trial) says nothing of a rate.
  bool whole = true;

  static CellExpectation FromJson(const Json& expect);  // total
  // "pass", "fail with lost-update in 2% to 100% of the trials", "pass or fail"
  std::string InWords() const;
};

struct ExpectationJudgement {
  CellState state;  // kUnknown instead of the cell's own where there were too few trials to tell
  bool expected = false;
  std::string reason;  // why it is not what was expected, "" when it is
};

// `failing` trials of the cell's decided ones count for the rate. An unsupported cell neither meets
// nor breaks an expectation (it counts as expected) unless "unsupported" is one of its verdicts;
// unknown is never expected.
//
// The rate: a share inside the range is expected. One outside breaks the expectation where the
// exact binomial test rejects the range's nearer end at kRateAlpha, else it is expected, or unknown
// where no outcome of so few trials could have been rejected. Of a selection it is not judged: its trials may pass or
// fail.
ExpectationJudgement JudgeExpectation(const CellExpectation& expectation, const CellResult& cell,
                                      int64_t failing);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_EXPECTATION_H_
