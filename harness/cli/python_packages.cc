#include "harness/cli/python_packages.h"

#include <array>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"

namespace trireme {
namespace {

constexpr std::array<PackageNeed, 7> kNeeds = {{
    {"eventlet", "eventlet", true, "every trial"},
    {"eventlet", "greenlet", true, "every trial"},
    {"eventlet-asyncio", "eventlet", true, "every trial"},
    {"eventlet-asyncio", "greenlet", true, "every trial"},
    {"threading", "pytest", false, "'-- python3 -m pytest' workloads"},
    {"asyncio", "h11", false, "rt.http_server, rt.http_request"},
    {"asyncio", "ssl", false, "TLS"},
}};

// The arguments are names of packages; prints one JSON object.
constexpr const char* kPackagesScript = R"(
import importlib, importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        module = importlib.import_module(name)
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = str(getattr(module, "__version__", ""))
        found[name] = {"version": version, "problem": ""}
    except ModuleNotFoundError as error:
        found[name] = {"version": "", "problem": "not installed" if error.name == name else str(error)}
    except BaseException as error:
        found[name] = {"version": "", "problem": "%s: %s" % (type(error).__name__, error)}
print(json.dumps(found))
)";

}  // namespace

std::span<const PackageNeed> PackageNeeds() { return kNeeds; }

Result<std::map<std::string, PythonPackage>> ReadPackages(const Interpreter& interpreter,
                                                          int64_t timeout) {
  std::vector<std::string> command = {interpreter.path, "-E", "-s",           "-W",
                                      "ignore",         "-c", kPackagesScript};
  for (const PackageNeed& need : kNeeds) command.emplace_back(need.package);
  TRIREME_ASSIGN_OR_RETURN(
      const CommandOutcome outcome,
      RunCommand(command, {.environment = {"EVENTLET_TESTS=1"}, .timeout = timeout}));
  if (outcome.timed_out)
    return InfrastructureError("importing its packages takes more than " + FormatDuration(timeout) +
                                   ": the machine may be busy",
                               "run again when it is less so");
  if (outcome.exit_code != 0)
    return InfrastructureError("importing its packages ends with status " +
                               std::to_string(outcome.exit_code));
  // A package may print something of its own; the object is the last line.
  const std::vector<std::string> lines = Split(Trim(outcome.out), '\n');
  TRIREME_ASSIGN_OR_RETURN(const Json found,
                           ParseJson(lines.empty() ? "" : lines.back(), interpreter.path));
  std::map<std::string, PythonPackage> packages;
  for (const PackageNeed& need : kNeeds) {
    const std::string name(need.package);
    const Json& package = GetMember(found, name.c_str());
    packages[name] = {GetString(package, "version"), GetString(package, "problem", "no answer")};
  }
  return packages;
}

}  // namespace trireme
