#ifndef TRIREME_HARNESS_CLI_PYTHON_PREFLIGHT_H_
#define TRIREME_HARNESS_CLI_PYTHON_PREFLIGHT_H_

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/locations.h"
#include "harness/base/result.h"

namespace trireme {

// What one interpreter says before anything is run.
struct PythonPreflight {
  std::vector<Diagnostic>
      errors;  // of workloads: no Python (Python's own message), or without a main to be run
  Json packages = Json::object();   // name -> version
  std::vector<std::string> absent;  // of the packages that a runtime cannot do without
};

// Parses `workloads` with `interpreter`, without importing them. kInfrastructure when the
// interpreter fails.
Result<PythonPreflight> PreflightPython(const std::string& interpreter, const Locations& locations,
                                        const std::vector<std::string>& workloads);

// Relative to the working directory when it is below it: as a user would write it.
std::string PathForUser(const std::string& path);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_PYTHON_PREFLIGHT_H_
