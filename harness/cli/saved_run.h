#ifndef TRIREME_HARNESS_CLI_SAVED_RUN_H_
#define TRIREME_HARNESS_CLI_SAVED_RUN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/check/results.h"

namespace trireme {

inline constexpr int64_t kMaxPlan = 1 << 30;  // bytes of a plan.json that is read

// The results of a saved run: of its folder, or of a results.json. Of a damaged file what can be
// read is read, and a note says so; a folder without one (its harness was killed) is judged from
// its trials. kUsage for what is no run.
Result<RunResults> ReadResults(const std::string& path);

// A trial's folder in a run directory.
struct SavedTrial {
  std::string cell;  // the cell's id: its folder's name
  int64_t trial = 0;
  bool retry = false;
  std::string directory;
  std::string history;  // history.trh, else the history.ring that a killed harness left; "" when
                        // there is neither
};

// By cell, then trial. Folders that are no trials are left out.
std::vector<SavedTrial> ListTrials(const std::string& run);
// Nothing when `directory` is no <run>/trials/<cell>/<trial>.
std::optional<SavedTrial> DescribeTrial(const std::string& directory);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_SAVED_RUN_H_
