#ifndef TRIREME_HARNESS_CLI_FAULTS_FROM_H_
#define TRIREME_HARNESS_CLI_FAULTS_FROM_H_

#include <cstdint>
#include <string>

#include "harness/base/result.h"
#include "harness/scenario/scenario.h"

namespace trireme {

// The faults of one trial of a saved run, to be brought again.
struct FaultsOfTrial {
  FaultChoice choice;
  uint64_t seed = 0;  // of that run
};

// What was applied in trial `trial` of the run directory `path`, or of one cell of it (RUN/trials/CELL). kUsage where
// that is no run, and where several cells suffered different faults; kNothing where none did.
Result<FaultsOfTrial> ReadFaultsFrom(const std::string& path, int64_t trial);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_FAULTS_FROM_H_
