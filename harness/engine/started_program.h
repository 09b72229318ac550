#ifndef TRIREME_HARNESS_ENGINE_STARTED_PROGRAM_H_
#define TRIREME_HARNESS_ENGINE_STARTED_PROGRAM_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "harness/base/unique_fd.h"
#include "harness/engine/guardian.h"

namespace trireme {

// A program with all that it was started with, so that the same can be started again.
struct StartedProgram {
  LaunchRequest request;    // without its outputs, which the copies here are
  UniqueFd output, errors;  // its standard output and error, where they could be had
};

// Nothing when the process is gone. REQUIRES: it is of the trial, and `pidfd` is its.
std::optional<StartedProgram> ReadStartedProgram(pid_t process, int pidfd);

// Whether it goes on with the program of its parent, as a fork does: what that was started with starts the parent again.
bool IsForkOf(pid_t process, pid_t parent);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_STARTED_PROGRAM_H_
