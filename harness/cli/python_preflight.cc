#include "harness/cli/python_preflight.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/cli/python_packages.h"

namespace trireme {
namespace {

constexpr int64_t kTimeout = 60 * kNanosecondsPerSecond;

Diagnostic ToDiagnostic(const Json& error) {
  Diagnostic diagnostic;
  diagnostic.file = PathForUser(GetString(error, "file"));
  diagnostic.line = static_cast<int>(GetInt(error, "line"));
  diagnostic.column = static_cast<int>(GetInt(error, "column"));
  diagnostic.length = static_cast<int>(GetInt(error, "length", 1));
  diagnostic.source_line = GetString(error, "text");
  diagnostic.message = GetString(error, "message");
  diagnostic.hint = GetString(error, "hint");
  return diagnostic;
}

// What is set that changes where an interpreter finds its own library, by name.
std::string MisleadingVariables() {
  std::vector<std::string> set;
  for (const char* name : {"PYTHONHOME", "PYTHONPATH", "PYTHONPLATLIBDIR"})
    if (std::getenv(name) != nullptr)
      set.push_back(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return Join(set, ", ");
}

}  // namespace

std::string PathForUser(const std::string& path) {
  std::string directory(PATH_MAX, '\0');
  if (::getcwd(directory.data(), directory.size()) == nullptr) return path;
  directory.resize(directory.find('\0'));
  const std::string prefix = directory + "/";
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

Result<PythonPreflight> PreflightPython(const std::string& interpreter, const Locations& locations,
                                        const std::vector<std::string>& workloads) {
  std::vector<std::string> needed;
  for (const PackageNeed& need : PackageNeeds())
    if (need.whole) needed.emplace_back(need.package);
  std::vector<std::string> argv = {interpreter, "-B",
                                   JoinPath(locations.agent, "trireme_agent/__main__.py"),
                                   "preflight", Join(needed, ",")};
  argv.insert(argv.end(), workloads.begin(), workloads.end());
  TRIREME_ASSIGN_OR_RETURN(
      const CommandOutcome outcome,
      RunCommand(argv, {.environment = {"PYTHONHASHSEED=0", "PYTHONIOENCODING=utf-8"},
                        .timeout = kTimeout}));
  const Result<Json> answer = ParseJson(outcome.out, interpreter);
  if (outcome.exit_code != 0 || !answer.ok()) {
    const std::string said = std::string(Trim(outcome.err));
    return InfrastructureError(
        interpreter + " could not parse the workloads: " +
            (outcome.timed_out ? "it did not end"
                               : "exit status " + std::to_string(outcome.exit_code)) +
            (said.empty() ? "" : ", " + said.substr(said.rfind('\n') + 1)),
        MisleadingVariables().empty()
            ? "'trireme doctor' says which interpreters work"
            : "set here, and for it: " + MisleadingVariables() + "; try without");
  }
  PythonPreflight preflight;
  for (const Json& error : GetMember(*answer, "errors"))
    preflight.errors.push_back(ToDiagnostic(error));
  preflight.packages = GetMember(*answer, "packages");
  for (const Json& name : GetMember(*answer, "absent"))
    if (name.is_string()) preflight.absent.push_back(name.get<std::string>());
  return preflight;
}

}  // namespace trireme
