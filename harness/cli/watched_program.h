#ifndef TRIREME_HARNESS_CLI_WATCHED_PROGRAM_H_
#define TRIREME_HARNESS_CLI_WATCHED_PROGRAM_H_

#include <string>

#include "harness/base/result.h"

namespace trireme {

// The file that `name` starts, found in PATH as a shell would, where the loader of this machine can load the probe into
// it. Else an error of kInfrastructure that says why nothing could be seen of it: there is none, it may not be executed,
// it is linked statically, made for another machine, or runs with the rights of another user. A script is what its first
// line says.
Result<std::string> FindWatchedProgram(const std::string& name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCHED_PROGRAM_H_
