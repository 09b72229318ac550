#include "harness/cli/environments.h"

#include <array>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"

namespace trireme {
namespace {

constexpr int64_t kStartTimeout = 30 * kNanosecondsPerSecond;
constexpr int64_t kBuildTimeout =
    1800 * kNanosecondsPerSecond;  // a package without a wheel is compiled

std::string StampOf(const std::string& directory) { return JoinPath(directory, "trireme.json"); }
std::string LogOf(const std::string& directory) { return directory + ".log"; }

std::string Stamp(const Environment& environment, const std::string& requirements) {
  return DumpJson(Json{{"schema", "trireme.environment/1"},
                       {"directory", environment.directory},
                       {"version", environment.base.version},
                       {"gil", environment.base.gil},
                       {"requirements", FormatHex(Hash64(requirements))}},
                  1) +
         "\n";
}

bool IsCurrent(const Environment& environment, const std::string& stamp) {
  const Result<std::string> written = ReadFile(StampOf(environment.directory));
  if (!written.ok() || *written != stamp) return false;
  const auto outcome =
      RunCommand({PythonOf(environment.directory), "-I", "-c", "import eventlet, h11, pytest"},
                 {.environment = {"EVENTLET_TESTS=1"}, .timeout = kStartTimeout});
  return outcome.ok() && outcome->exit_code == 0;
}

// The last line that says something, without pip's own advice on upgrades.
std::string LastError(const std::string& output) {
  std::string last;
  for (const std::string& line : Split(output, '\n')) {
    const std::string_view text = Trim(line);
    if (text.empty() || text.starts_with("[notice]") || text.starts_with("WARNING:")) continue;
    if (last.empty() || text.starts_with("ERROR:") || !last.starts_with("ERROR:")) last = text;
  }
  return last.starts_with("ERROR: ") ? last.substr(7) : last;
}

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The requirement that pip names below its complaint on hashes: "    greenlet==3.5.6 from
// https://...".
std::string PackageWithOtherHash(const std::string& output) {
  const size_t complaint = output.find("DO NOT MATCH THE HASHES");
  for (const std::string& line : Split(output.substr(complaint), '\n'))
    if (line.starts_with("    ") && Contains(line, "=="))
      return std::string(Trim(line.substr(0, line.find(" from "))));
  return "a package";
}

// Runs one step of a build; its output goes to the log.
Result<CommandOutcome> RunStep(const std::vector<std::string>& argv, const std::string& log) {
  // A user's settings may name another place to install to; where packages come from is theirs to
  // say.
  const std::vector<std::string> settings = {"PIP_USER=0",
                                             "PIP_TARGET=", "PIP_PREFIX=", "PIP_NO_INPUT=1",
                                             "PIP_DISABLE_PIP_VERSION_CHECK=1"};
  TRIREME_ASSIGN_OR_RETURN(CommandOutcome outcome,
                           RunCommand(argv, {.environment = settings, .timeout = kBuildTimeout}));
  if (outcome.timed_out)
    outcome.err += "ERROR: gave up after " + FormatDuration(kBuildTimeout) + "\n";
  const std::string text = Join(argv, " ") + "\n" + outcome.out + outcome.err;
  TRIREME_RETURN_IF_ERROR(WriteFile(log, text));
  return outcome;
}

}  // namespace

std::string PythonOf(const std::string& directory) { return JoinPath(directory, "bin/python"); }

Diagnostic ExplainVenvFailure(const std::string& output, const Interpreter& base) {
  const std::string python = "Python " + base.version + " (" + base.path + ")";
  if (Contains(output, "ensurepip") || Contains(output, "No module named venv")) {
    const std::vector<std::string> version = Split(base.version, '.');
    return InfrastructureError(python + " has no venv module",
                               "on Debian: apt-get install python" + version[0] + "." + version[1] +
                                   "-venv; then run 'trireme setup' again");
  }
  return InfrastructureError(python + " cannot make a virtual environment: " + LastError(output));
}

Diagnostic ExplainPipFailure(const std::string& output, const std::string& requirements,
                             const std::string& log) {
  if (Contains(output, "DO NOT MATCH THE HASHES"))
    return InfrastructureError(
        PackageWithOtherHash(output) + " has not the hash that " + requirements + " pins",
        "the package index or pip's cache holds another file: run 'pip cache purge', or use "
        "another "
        "index (PIP_INDEX_URL), then run 'trireme setup' again");
  constexpr std::array<std::string_view, 8> kNoNetwork = {
      "NewConnectionError",        "Temporary failure in name resolution",
      "Name or service not known", "Network is unreachable",
      "Connection refused",        "ConnectTimeoutError",
      "ReadTimeoutError",          "ProxyError"};
  for (const std::string_view sign : kNoNetwork)
    if (Contains(output, sign))
      return InfrastructureError(
          "pip cannot reach the package index",
          "connect this machine, or name a mirror (PIP_INDEX_URL) or a folder of wheels "
          "(PIP_FIND_LINKS, "
          "PIP_NO_INDEX=1), then run 'trireme setup' again; pip's output is in " +
              log);
  if (Contains(output, "No space left on device"))
    return InfrastructureError("the disk is full",
                               "an environment takes 60 MB; TRIREME_HOME names another place");
  return InfrastructureError("pip failed: " + LastError(output), "pip's output is in " + log);
}

Result<MadeHow> MakeEnvironment(const Environment& environment) {
  TRIREME_ASSIGN_OR_RETURN(const std::string requirements, ReadFile(environment.requirements));
  const std::string stamp = Stamp(environment, requirements);
  if (IsCurrent(environment, stamp)) return MadeHow::kReused;

  const std::string log = LogOf(environment.directory);
  TRIREME_RETURN_IF_ERROR(MakeDirectories(DirName(environment.directory)));
  TRIREME_RETURN_IF_ERROR(RemoveTree(environment.directory));
  TRIREME_ASSIGN_OR_RETURN(
      const CommandOutcome made,
      RunStep({environment.base.path, "-I", "-m", "venv", environment.directory}, log));
  if (made.exit_code != 0) return ExplainVenvFailure(made.out + made.err, environment.base);
  TRIREME_ASSIGN_OR_RETURN(
      const CommandOutcome installed,
      RunStep({PythonOf(environment.directory), "-I", "-m", "pip", "install", "--retries", "3",
               "--require-hashes", "--requirement", environment.requirements},
              log));
  if (installed.exit_code != 0)
    return ExplainPipFailure(installed.out + installed.err, environment.requirements, log);
  TRIREME_RETURN_IF_ERROR(WriteFileAtomically(StampOf(environment.directory), stamp));
  TRIREME_RETURN_IF_ERROR(RemoveTree(log));
  return MadeHow::kMade;
}

}  // namespace trireme
