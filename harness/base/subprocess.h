#ifndef TRIREME_HARNESS_BASE_SUBPROCESS_H_
#define TRIREME_HARNESS_BASE_SUBPROCESS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace trireme {

struct CommandOptions {
  std::vector<std::string> environment;  // KEY=VALUE, replaces or adds to ours
  std::string directory;                 // empty: ours
  int64_t timeout = 0;          // nanoseconds; 0: none. At its end the process group is killed.
  int64_t memory = 0;           // bytes of address space for each of its processes; 0: as ours
  bool inherit_output = false;  // output goes to our standard error and is not kept
};

struct CommandOutcome {
  int exit_code = -1;  // 128+n when a signal ended it
  bool timed_out = false;
  std::string out;
  std::string err;
};

// Runs `argv` to its end with no standard input; for tools that we call (compilers, pip, gdb), never for
// what is under test. An error only when it could not be started; where the machine has no process or memory
// left, only after trying for about a second.
Result<CommandOutcome> RunCommand(const std::vector<std::string>& argv,
                                  const CommandOptions& options = {});

// Whether an error of RunCommand says nothing of the command, but that the machine had no process, memory or
// descriptor left.
bool IsShortage(const Diagnostic& error);

// The path of a program found in PATH, or "".
std::string FindProgram(const std::string& name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_SUBPROCESS_H_
