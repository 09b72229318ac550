#ifndef TRIREME_HARNESS_CLI_PYTHON_PACKAGES_H_
#define TRIREME_HARNESS_CLI_PYTHON_PACKAGES_H_

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "harness/base/clock.h"
#include "harness/base/result.h"
#include "harness/scenario/plan.h"

namespace trireme {

// A package of an interpreter: its version, or why it cannot be imported.
struct PythonPackage {
  std::string version;
  std::string problem;  // "" when it works
};

// What a Python runtime or a command needs of its interpreter.
struct PackageNeed {
  std::string_view user;     // a runtime's name
  std::string_view package;  // as it is imported
  bool whole;                // without it the runtime is unsupported; else only the part below is
  std::string_view part;     // what of the runtime needs it
};
std::span<const PackageNeed> PackageNeeds();

// Imports every needed package in one process of the interpreter. An error when that process does
// not end well, or not within `timeout` nanoseconds.
Result<std::map<std::string, PythonPackage>> ReadPackages(const Interpreter& interpreter,
                                                          int64_t timeout = 60 *
                                                                            kNanosecondsPerSecond);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_PYTHON_PACKAGES_H_
