// trireme setup: one virtual environment for each interpreter, from pinned, hashed requirements.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/locations.h"
#include "harness/base/strings.h"
#include "harness/base/unique_fd.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/environments.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/interpreters.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/table.h"

namespace trireme {
namespace {

// Held while environments are built, so that two calls of setup do not build one twice.
Result<UniqueFd> LockFolder(const std::string& folder) {
  TRIREME_RETURN_IF_ERROR(MakeDirectories(folder));
  const std::string path = JoinPath(folder, ".lock");
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.valid()) return ErrnoError("cannot open " + path, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  PrintError("waiting for another 'trireme setup'\n");
  while (::flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) return ErrnoError("cannot lock " + path, errno);
  return lock;
}

bool IsTakenUnasked(const Interpreter& interpreter) {
  return ParsePythonVersion(interpreter.version).value_or(PythonVersion{}) <= kNewestPythonOfSetup;
}

// The interpreters to make environments of: those asked for, else one of each name from 3.10
// to 3.13, the newest.
Result<std::vector<Interpreter>> ChooseBases(const std::vector<std::string>& given,
                                             const std::vector<std::string>& names,
                                             const std::string& data) {
  InterpreterPlaces places = FindInterpreterPlaces(given, data);
  places.setup.clear();                // what setup made is no base,
  places.virtual_environment.clear();  // and an environment in PATH passes its own base on.
  if (!names.empty()) return ChooseInterpreters(places, names);
  TRIREME_ASSIGN_OR_RETURN(const InterpreterInventory inventory, FindInterpreters(places));
  for (const BrokenInterpreter& broken : inventory.broken)
    if (!broken.problem.starts_with("is "))  // an old Python or a PyPy is as it should be
      PrintError("warning: " + broken.path + ": " + broken.problem + "; left out\n");
  std::vector<Interpreter> bases;
  for (const Interpreter& interpreter : inventory.usable) {
    const auto same = [&interpreter](const Interpreter& other) {
      return other.name == interpreter.name;
    };
    if (interpreter.origin != "--python" && !IsTakenUnasked(interpreter)) continue;
    if (std::none_of(bases.begin(), bases.end(), same)) bases.push_back(interpreter);
  }
  if (bases.empty())
    return InfrastructureError("no Python 3.10 to 3.13 was found",
                               "install one: apt-get install python3 python3-venv");
  return bases;
}

struct Attempt {
  Environment environment;
  std::optional<Result<MadeHow>> result;
};

void MakeAll(std::vector<Attempt>& attempts) {
  std::atomic<size_t> next = 0;
  const auto work = [&attempts, &next] {
    for (size_t i = next++; i < attempts.size(); i = next++)
      attempts[i].result = MakeEnvironment(attempts[i].environment);
  };
  std::vector<std::jthread> workers;
  for (size_t i = 0;
       i < std::min<size_t>(attempts.size(), std::max(1u, std::thread::hardware_concurrency()));
       ++i)
    workers.emplace_back(work);
}

int Report(const std::vector<Attempt>& attempts) {
  std::vector<std::vector<std::string>> rows;
  std::vector<Diagnostic> errors;
  for (const Attempt& attempt : attempts) {
    const Interpreter& base = attempt.environment.base;
    if (attempt.result->ok()) {
      const char* how = **attempt.result == MadeHow::kMade ? "made" : "up to date";
      rows.push_back({base.name, base.version, how, attempt.environment.directory});
      continue;
    }
    errors.push_back(attempt.result->error());
    errors.back().message.insert(0, base.name + ": ");
  }
  Print(FormatTable(rows, 120));
  return errors.empty() ? kExitPass : FailAll(errors);
}

Result<int> Setup(const std::vector<std::string>& given, const std::vector<std::string>& names) {
  const Locations locations = FindLocations();
  TRIREME_RETURN_IF_ERROR(CheckUserFolders(locations));
  TRIREME_ASSIGN_OR_RETURN(const std::vector<Interpreter> bases,
                           ChooseBases(given, names, locations.data));
  const std::string folder = JoinPath(locations.data, "venvs");
  TRIREME_ASSIGN_OR_RETURN(const UniqueFd lock, LockFolder(folder));
  std::vector<Attempt> attempts;
  for (const Interpreter& base : bases) {
    const char* file = base.gil ? "requirements.txt" : "freethreaded.txt";
    attempts.push_back({.environment = {.base = base,
                                        .requirements = JoinPath(locations.requirements, file),
                                        .directory = JoinPath(folder, base.name)}});
  }
  MakeAll(attempts);
  return Report(attempts);
}

}  // namespace

int SetupCommand(const Arguments& arguments) {
  std::vector<std::string> given;
  std::vector<std::string> names;
  OptionParser parser("setup");
  parser.Values("--python", "NAME=PATH", given,
                "an interpreter to make an environment NAME of (repeatable)");
  parser.List("--interpreters", "NAMES", names,
              "only these: 3.11,3.13t (default: every one from 3.10 to 3.13)");
  if (const auto code = parser.Parse(arguments)) return *code;
  const Result<int> code = Setup(given, names);
  return code.ok() ? *code : Fail(code.error());
}

}  // namespace trireme
