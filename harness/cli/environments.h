#ifndef TRIREME_HARNESS_CLI_ENVIRONMENTS_H_
#define TRIREME_HARNESS_CLI_ENVIRONMENTS_H_

#include <string>

#include "harness/base/result.h"
#include "harness/scenario/plan.h"

namespace trireme {

// The program of a virtual environment, whether it is there or not.
std::string PythonOf(const std::string& directory);

// A virtual environment that `trireme setup` makes: `directory`, from the interpreter `base` and
// one file of pinned, hashed requirements.
struct Environment {
  Interpreter base;
  std::string requirements;
  std::string directory;
};

enum class MadeHow { kMade, kReused };

// Makes the environment, unless it is there with these requirements and this version of Python and
// starts. Environments cannot be moved, so it is built in place, with its stamp (trireme.json)
// written last: what has no stamp is no environment, and the next call builds it again. An error
// says what to do; pip's own words are in `directory`.log. Thread safety: one call for each
// directory at a time.
Result<MadeHow> MakeEnvironment(const Environment& environment);

// Why pip did not install, from what it printed.
Diagnostic ExplainPipFailure(const std::string& output, const std::string& requirements,
                             const std::string& log);
// Why `python -m venv` made no environment, from what it printed.
Diagnostic ExplainVenvFailure(const std::string& output, const Interpreter& base);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_ENVIRONMENTS_H_
