#ifndef TRIREME_HARNESS_ENGINE_STARTED_PROGRAM_H_
#define TRIREME_HARNESS_ENGINE_STARTED_PROGRAM_H_

#include <sys/types.h>

#include <optional>

#include "harness/base/unique_fd.h"
#include "harness/engine/guardian.h"

namespace trireme {

// A program with all that it was started with, so that the same can be started again.
struct StartedProgram {
  LaunchRequest request;  // without its output, which the copy here is
  UniqueFd output;        // its standard output, where it could be had
};

// Nothing when the process is gone. REQUIRES: it is of the trial.
std::optional<StartedProgram> ReadStartedProgram(pid_t process);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_STARTED_PROGRAM_H_
