#ifndef TRIREME_HARNESS_CLI_HISTORY_CHECK_H_
#define TRIREME_HARNESS_CLI_HISTORY_CHECK_H_

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/check/judge.h"
#include "harness/history/jsonl.h"

namespace trireme {

// A trial that was judged without the run that it belongs to.
struct LoneTrial {
  TrialLabel label;
  TrialJudgement judgement;
};

// The formats of a lone history, as --format names them.
std::vector<std::string> HistoryFormats();

// Judges each trial that `path` holds by `checks` (as plan.json holds them), and by those that are
// always judged; what `suppressions` match is left alone. `path` is a history.trh or history.ring, a folder with one, or a file of JSON Lines
// as `trireme history` prints them; `format`, where it is not empty, is what it must be. The
// repetition of a trial takes the place of an attempt that is unknown. kUsage for anything else,
// with the list of what is recognised.
Result<std::vector<LoneTrial>> JudgeHistory(const std::string& path, const std::string& format,
                                            const Json& checks,
                                            const std::vector<Suppression>& suppressions);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_HISTORY_CHECK_H_
