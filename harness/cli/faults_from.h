#ifndef TRIREME_HARNESS_CLI_FAULTS_FROM_H_
#define TRIREME_HARNESS_CLI_FAULTS_FROM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/scenario/scenario.h"

namespace trireme {

// The faults of one trial of a saved run, to be brought again.
struct FaultsOfTrial {
  FaultChoice choice;
  uint64_t seed = 0;    // of that run
  std::string missing;  // what its history lacks, and so faults perhaps; empty: nothing
  std::vector<std::string> left_out;  // of what it suffered, what no plan can say, with the reason
  std::string others;   // what the run's other cells suffered in that trial, where no cell was named; empty: there is none
};

// What was applied in a trial: `path` is its folder (RUN/trials/CELL/T), or that of a run or of one of its cells, and
// `trials` has its number alone. kUsage where that is no run, and where several cells suffered different faults; kNothing
// where none did.
Result<FaultsOfTrial> ReadFaultsFrom(const std::string& path, const std::vector<int64_t>& trials);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_FAULTS_FROM_H_
