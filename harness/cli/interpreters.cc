#include "harness/cli/interpreters.h"

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/locations.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/cli/environments.h"

namespace trireme {
namespace {

// Runs on any Python 2 or 3 without its site packages, so that an old or half broken one says what
// it is.
constexpr const char* kProbe =
    "import sys\n"
    "i = getattr(sys, 'implementation', None)\n"
    "print('trireme %d.%d.%d %s %s %s' % (sys.version_info[0], sys.version_info[1], "
    "sys.version_info[2],\n"
    "  getattr(i, 'name', 'cpython'), 't' if 't' in getattr(sys, 'abiflags', '') else 'gil', "
    "sys.prefix))\n";

struct Candidate {
  std::string name;  // "": after its version
  std::string path;
};

// The places in the order in which they are searched.
enum class Origin { kGiven, kActive, kSetup, kPyenv, kPath };
constexpr std::array kOrigins = {Origin::kGiven, Origin::kActive, Origin::kSetup, Origin::kPyenv,
                                 Origin::kPath};

std::string OriginName(Origin origin) {
  constexpr std::array<const char*, 5> kNames = {"--python", "active", "setup", "pyenv", "PATH"};
  return kNames[static_cast<size_t>(origin)];
}

size_t Rank(const std::string& origin) {
  size_t rank = 0;
  while (rank < kOrigins.size() && OriginName(kOrigins[rank]) != origin) ++rank;
  return rank;
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

PythonVersion VersionOf(const Interpreter& interpreter) {
  return ParsePythonVersion(interpreter.version).value_or(PythonVersion{});
}

// python3, python3.11, python3.13t: no python3-config and no python2.
bool IsPythonProgram(std::string_view name) {
  if (!name.starts_with("python3")) return false;
  name.remove_prefix(7);
  if (name.empty()) return true;
  if (name.ends_with('t')) name.remove_suffix(1);
  return name.size() > 1 && name[0] == '.' &&
         name.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

std::vector<Candidate> CandidatesOf(const InterpreterPlaces& places, Origin origin) {
  std::vector<Candidate> candidates;
  switch (origin) {
    case Origin::kGiven:
      for (const std::string& given : places.given) {
        const size_t equals = given.find('=');
        const std::string path = given.substr(equals + 1);
        candidates.push_back({given.substr(0, equals), IsDirectory(path) ? PythonOf(path) : path});
      }
      break;
    case Origin::kActive:
      if (!places.virtual_environment.empty())
        candidates.push_back({"", PythonOf(places.virtual_environment)});
      break;
    case Origin::kSetup:
      for (const std::string& name :
           ListDirectory(places.setup)) {  // none where setup has no place
        const std::string environment = JoinPath(places.setup, name);
        if (FileExists(JoinPath(environment, "trireme.json")))
          candidates.push_back({name, PythonOf(environment)});
      }
      break;
    case Origin::kPyenv:
      if (places.pyenv.empty()) break;
      for (const std::string& name : ListDirectory(JoinPath(places.pyenv, "versions")))
        candidates.push_back({"", PythonOf(JoinPath(JoinPath(places.pyenv, "versions"), name))});
      break;
    case Origin::kPath:
      for (const std::string& folder : places.path)
        for (const std::string& name : ListDirectory(folder))
          if (IsPythonProgram(name)) candidates.push_back({"", JoinPath(folder, name)});
      break;
  }
  return candidates;
}

std::string FirstLine(const std::string& text) {
  const std::string_view trimmed = Trim(text);
  return std::string(trimmed.substr(0, trimmed.find('\n')));
}

// What the program said of itself, or why it is of no use.
struct Probed {
  Interpreter interpreter;
  std::string prefix;
  std::string problem;                 // "" when it is usable
  bool late = false;                   // the problem is that it did not answer in time
  std::optional<Diagnostic> shortage;  // it could not be asked: says nothing of the interpreter
};

// The kernel kills for want of memory alone; what else sends it is no better known.
constexpr int kKilled = 128 + SIGKILL;

std::string ProblemOf(const Result<CommandOutcome>& outcome, int64_t timeout) {
  if (!outcome.ok()) return outcome.error().message;
  if (outcome->timed_out) return "does not answer within " + FormatDuration(timeout);
  if (outcome->exit_code != 0)
    return "ends with status " + std::to_string(outcome->exit_code) +
           (Trim(outcome->err).empty() ? "" : ": " + FirstLine(outcome->err));
  return outcome->out.starts_with("trireme ")
             ? ""
             : "is no Python: it prints '" + FirstLine(outcome->out).substr(0, 60) + "'";
}

// That `path` could not be asked, if that is so.
std::optional<Diagnostic> ShortageOf(const std::string& path,
                                     const Result<CommandOutcome>& outcome) {
  if (!outcome.ok() && IsShortage(outcome.error())) return outcome.error();
  if (!outcome.ok() || outcome->timed_out || outcome->exit_code != kKilled) return std::nullopt;
  return InfrastructureError(path + " was killed while it started",
                             "is there enough memory? then run again");
}

// What an environment says of its version without being started: "3.11.7", else "".
std::string WrittenVersion(const std::string& python) {
  const Result<std::string> text = ReadFile(JoinPath(DirName(DirName(python)), "pyvenv.cfg"));
  if (!text.ok()) return "";
  for (const std::string& line : Split(*text, '\n')) {
    const size_t equals = std::min(line.find('='), line.size());
    const std::string_view key = Trim(std::string_view(line).substr(0, equals));
    if (key != "version" && key != "version_info") continue;  // of venv; of virtualenv and uv
    std::vector<std::string> numbers = Split(Trim(std::string_view(line).substr(equals + 1)), '.');
    if (numbers.size() > 3) numbers.resize(3);  // 3.11.7.final.0
    if (const std::string version = Join(numbers, "."); ParsePythonVersion(version)) return version;
  }
  return "";
}

Probed Probe(const Candidate& candidate, const std::string& origin, int64_t timeout) {
  Probed probed{.interpreter = {.path = candidate.path, .origin = origin}};
  if (!FileExists(candidate.path)) {
    probed.problem = "no such file";
    return probed;
  }
  const auto outcome =
      RunCommand({candidate.path, "-E", "-s", "-S", "-c", kProbe}, {.timeout = timeout});
  probed.shortage = ShortageOf(candidate.path, outcome);
  probed.problem = ProblemOf(outcome, timeout);
  probed.late = outcome.ok() && outcome->timed_out;
  if (probed.late)
    probed.interpreter.name =
        !candidate.name.empty() ? candidate.name : WrittenVersion(candidate.path);
  if (!probed.problem.empty()) return probed;
  const std::vector<std::string> words = Split(FirstLine(outcome->out), ' ');
  const std::optional<PythonVersion> version =
      words.size() < 5 ? std::nullopt : ParsePythonVersion(words[1]);
  if (!version) {
    probed.problem = "is no Python: it prints '" + FirstLine(outcome->out).substr(0, 60) + "'";
    return probed;
  }
  Interpreter& interpreter = probed.interpreter;
  interpreter.version = words[1];
  interpreter.gil = words[3] != "t";
  interpreter.name = !candidate.name.empty()
                         ? candidate.name
                         : std::to_string(version->major) + "." + std::to_string(version->minor) +
                               (interpreter.gil ? "" : "t");
  probed.prefix = Join(std::vector<std::string>(words.begin() + 4, words.end()), " ");
  if (words[2] != "cpython")
    probed.problem = "is " + words[2] + " " + words[1] + ": the recorder needs CPython";
  else if (*version < kOldestPython)
    probed.problem = "is Python " + words[1] + ": 3.10 is the oldest that works";
  return probed;
}

// Each in a thread of its own, two a core: a Python takes 20 ms to start, and a broken one may
// hang.
std::vector<Probed> ProbeAll(const InterpreterPlaces& places, Origin origin) {
  const std::vector<Candidate> candidates = CandidatesOf(places, origin);
  std::vector<Probed> probed(candidates.size());
  const size_t width = std::max(2u, 2 * std::thread::hardware_concurrency());
  for (size_t begin = 0; begin < candidates.size(); begin += width) {
    std::vector<std::jthread> threads;
    for (size_t i = begin; i < std::min(begin + width, candidates.size()); ++i) {
      const auto probe = [&, i] {
        probed[i] = Probe(candidates[i], OriginName(origin), places.timeout);
      };
      try {
        threads.emplace_back(probe);
      } catch (const std::system_error&) {  // no thread is left: one after the other then
        probe();
      }
    }
  }
  return probed;
}

// Adds what `origin` has: one of each installation (python3 and python3.11 are often the same), the
// newest first.
Status Search(const InterpreterPlaces& places, Origin origin, InterpreterInventory& inventory) {
  std::vector<Probed> all = ProbeAll(places, origin);
  for (const Probed& probed : all)
    if (probed.shortage) return *probed.shortage;
  if (origin != Origin::kGiven)
    std::stable_sort(all.begin(), all.end(), [](const Probed& a, const Probed& b) {
      return VersionOf(a.interpreter) > VersionOf(b.interpreter);
    });
  std::set<std::string> seen;
  for (Probed& probed : all) {
    if (!probed.problem.empty() && origin == Origin::kGiven)
      return InfrastructureError(
          "--python " + probed.interpreter.path + ": " + probed.problem,
          probed.late
              ? "the machine may be busy: run again when it is less so"
              : "give the path of a CPython 3.10 or newer, or of an environment made with one");
    const std::string key =
        probed.prefix + "\n" + probed.interpreter.version + "\n" + probed.interpreter.name;
    if (!probed.prefix.empty() && !seen.insert(key).second) continue;
    if (probed.problem.empty())
      inventory.usable.push_back(std::move(probed.interpreter));
    else
      inventory.broken.push_back(
          {.path = probed.interpreter.path,
           .origin = probed.interpreter.origin,
           .problem = probed.problem,
           .late = probed.late && (origin == Origin::kActive || origin == Origin::kSetup),
           .name = probed.interpreter.name});
  }
  return Done{};
}

Status CheckGiven(const InterpreterPlaces& places) {
  std::set<std::string> names;
  for (const std::string& given : places.given) {
    const size_t equals = given.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == given.size())
      return UsageError("--python " + given + ": not of the form NAME=PATH",
                        "for example --python 3.13t=/opt/python3.13t/bin/python3");
    if (given.find_first_of("/,*?[ ") < equals)
      return UsageError("--python " + given +
                        ": a name has no blanks, slashes, commas or wildcards");
    if (!names.insert(given.substr(0, equals)).second)
      return UsageError("--python " + given + ": the name '" + given.substr(0, equals) +
                        "' is given twice");
  }
  return Done{};
}

// "3.13" and "3.13t" name a build, "3.13.1" one version; anything else a name of --python.
bool Answers(const Interpreter& interpreter, const std::string& name) {
  return interpreter.name == name || interpreter.version + (interpreter.gil ? "" : "t") == name;
}

const Interpreter* FindByName(const InterpreterInventory& inventory, const std::string& name) {
  for (const Interpreter& interpreter : inventory.usable)
    if (Answers(interpreter, name)) return &interpreter;
  return nullptr;
}

std::string Found(const InterpreterInventory& inventory) {
  std::vector<std::string> names;
  for (const Interpreter& interpreter : inventory.usable)
    if (std::find(names.begin(), names.end(), interpreter.name) == names.end())
      names.push_back(interpreter.name);
  return names.empty() ? "no Python 3.10 or newer was found" : "found: " + Join(names, ", ");
}

Diagnostic Missing(const InterpreterInventory& inventory, const std::string& name) {
  std::string get = "give it as --python " + name + "=PATH";
  const bool free_threaded = name.ends_with('t');
  const auto version = ParsePythonVersion(free_threaded ? name.substr(0, name.size() - 1) : name);
  if (version && *version < kOldestPython)
    return InfrastructureError(
        "Python " + name + " is too old for the runtimes; " + Found(inventory),
        "choose 3.10 or newer");
  if (version)
    get = "install it ('pyenv install " + name + "'), then run 'trireme setup', or " + get;
  for (const BrokenInterpreter& broken : inventory.broken)
    if (broken.path.find("/" + name + "/") != std::string::npos ||
        BaseName(broken.path) == "python" + name)
      get = broken.path + " " + broken.problem + "; " + get;
  return InfrastructureError("no interpreter '" + name + "' here; " + Found(inventory), get);
}

// "3.13t" is 3.13 and true.
std::pair<std::string, bool> SplitBuild(const std::string& name) {
  if (!name.ends_with('t')) return {name, false};
  return {name.substr(0, name.size() - 1), true};
}

// 3.13 is 3.13.1 too, and no 3.1.
bool IsPartOf(const std::string& version, const std::string& other) {
  return version == other || other.starts_with(version + ".");
}

// Whether `broken` did not answer in time and could be what `name` asks for.
bool MayAnswer(const BrokenInterpreter& broken, const std::string& name) {
  if (!broken.late) return false;
  if (broken.name.empty() || broken.name == name) return true;
  const auto [version, free_threaded] = SplitBuild(name);
  const auto [own, own_free_threaded] = SplitBuild(broken.name);
  // What is written of an active environment does not say whether it has a GIL.
  if (broken.origin != OriginName(Origin::kActive) && free_threaded != own_free_threaded)
    return false;
  return IsPartOf(version, own) || IsPartOf(own, version);
}

// Whether Preferred() would take `broken`, had it answered, and not `chosen`.
bool MayBePreferred(const BrokenInterpreter& broken, const Interpreter* chosen) {
  if (!broken.late) return false;
  const auto [text, free_threaded] = SplitBuild(broken.name);
  const std::optional<PythonVersion> version = ParsePythonVersion(text);
  if (chosen == nullptr || !version) return true;
  return chosen->gil == free_threaded ? chosen->gil == false : *version > VersionOf(*chosen);
}

Diagnostic Late(const BrokenInterpreter& broken) {
  const bool active = broken.origin == OriginName(Origin::kActive);
  const std::string environment = DirName(DirName(broken.path));
  return InfrastructureError(
      (active ? "the active environment's " : "setup's ") + broken.path + " " + broken.problem,
      "the machine may be busy: run again when it is less so; if it never answers, " +
          (active ? "deactivate the environment"
                  : "remove " + environment + " and run 'trireme setup'") +
          ", or choose another with --interpreters");
}

// Passing over what is late would make a run of something else than the same words made before.
Status CheckLate(const InterpreterInventory& inventory,
                 const std::function<bool(const BrokenInterpreter&)>& matters) {
  for (const BrokenInterpreter& broken : inventory.broken)
    if (matters(broken)) return Late(broken);
  return Done{};
}

Status CheckLate(const InterpreterInventory& inventory, const std::string& name) {
  return CheckLate(inventory,
                   [&name](const BrokenInterpreter& broken) { return MayAnswer(broken, name); });
}

Result<std::vector<Interpreter>> ChooseByName(const InterpreterPlaces& places,
                                              const std::vector<std::string>& names) {
  InterpreterInventory inventory;
  std::map<std::string, Interpreter> chosen;
  for (const Origin origin : kOrigins) {
    TRIREME_RETURN_IF_ERROR(Search(places, origin, inventory));
    for (const std::string& name : names) {
      if (const Interpreter* found = FindByName(inventory, name)) chosen.try_emplace(name, *found);
      if (!chosen.contains(name)) TRIREME_RETURN_IF_ERROR(CheckLate(inventory, name));
    }
    if (std::all_of(names.begin(), names.end(),
                    [&](const std::string& name) { return chosen.contains(name); }))
      break;
  }
  std::vector<Interpreter> result;
  for (const std::string& name : names) {
    const auto found = chosen.find(name);
    if (found == chosen.end()) return Missing(inventory, name);
    found->second.name = name;
    const auto same = [&name](const Interpreter& other) { return other.name == name; };
    if (std::none_of(result.begin(), result.end(), same)) result.push_back(found->second);
  }
  return result;
}

// The first, since the newest stands first, that has a GIL if any has.
std::vector<Interpreter> Preferred(const std::vector<Interpreter>& usable) {
  const auto gil =
      std::find_if(usable.begin(), usable.end(), [](const Interpreter& one) { return one.gil; });
  return {gil == usable.end() ? usable.front() : *gil};
}

Diagnostic NoneFound() {
  Diagnostic error = InfrastructureError(
      "no Python 3.10 or newer was found",
      "install one ('apt-get install python3 python3-venv'), then run 'trireme setup'");
  error.kind = ErrorKind::kNothing;
  return error;
}

}  // namespace

std::optional<PythonVersion> ParsePythonVersion(std::string_view text) {
  std::array<int, 3> numbers{};
  const std::vector<std::string> parts = Split(text, '.');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty() || parts[i].size() > 4 ||
        parts[i].find_first_not_of("0123456789") != std::string::npos)
      return std::nullopt;
    numbers[i] = std::atoi(parts[i].c_str());
  }
  return PythonVersion{numbers[0], numbers[1], numbers[2]};
}

InterpreterPlaces FindInterpreterPlaces(const std::vector<std::string>& given,
                                        const std::string& data) {
  InterpreterPlaces places{.given = given,
                           .virtual_environment = Variable("VIRTUAL_ENV"),
                           .setup = data.empty() ? "" : JoinPath(data, "venvs"),
                           .pyenv = Variable("PYENV_ROOT")};
  if (const std::string home = HomeFolder(); places.pyenv.empty() && !home.empty())
    places.pyenv = JoinPath(home, ".pyenv");
  for (const std::string& folder : Split(Variable("PATH"), ':'))
    if (folder.starts_with('/') &&
        (places.pyenv.empty() || !folder.starts_with(places.pyenv + "/")))
      places.path.push_back(folder);
  return places;
}

Result<InterpreterInventory> FindInterpreters(const InterpreterPlaces& places) {
  TRIREME_RETURN_IF_ERROR(CheckGiven(places));
  InterpreterInventory inventory;
  for (const Origin origin : kOrigins) TRIREME_RETURN_IF_ERROR(Search(places, origin, inventory));
  return inventory;
}

Result<InterpreterInventory> FindInterpreters(const InterpreterPlaces& places,
                                              const std::set<std::string>& names) {
  TRIREME_ASSIGN_OR_RETURN(InterpreterInventory inventory, FindInterpreters(places));
  for (const std::string& name : names) {
    const Interpreter* found = FindByName(inventory, name);
    TRIREME_RETURN_IF_ERROR(CheckLate(inventory, [&](const BrokenInterpreter& broken) {
      return MayAnswer(broken, name) &&
             (found == nullptr || Rank(broken.origin) < Rank(found->origin));
    }));
  }
  return inventory;
}

Result<std::vector<Interpreter>> ChooseInterpreters(const InterpreterPlaces& places,
                                                    const std::vector<std::string>& names) {
  TRIREME_RETURN_IF_ERROR(CheckGiven(places));
  if (!names.empty()) return ChooseByName(places, names);
  for (const Origin origin : kOrigins) {
    InterpreterInventory inventory;
    TRIREME_RETURN_IF_ERROR(Search(places, origin, inventory));
    std::vector<Interpreter> chosen;
    if (!inventory.usable.empty())
      chosen = origin == Origin::kGiven ? inventory.usable : Preferred(inventory.usable);
    TRIREME_RETURN_IF_ERROR(CheckLate(inventory, [&chosen](const BrokenInterpreter& broken) {
      return MayBePreferred(broken, chosen.empty() ? nullptr : &chosen.front());
    }));
    if (!chosen.empty()) return chosen;
  }
  return NoneFound();
}

Result<std::vector<Interpreter>> AllInterpreters(const InterpreterPlaces& places) {
  TRIREME_RETURN_IF_ERROR(CheckGiven(places));
  InterpreterInventory inventory;
  for (const Origin origin : {Origin::kGiven, Origin::kActive, Origin::kSetup})
    TRIREME_RETURN_IF_ERROR(Search(places, origin, inventory));
  TRIREME_RETURN_IF_ERROR(
      CheckLate(inventory, [](const BrokenInterpreter& broken) { return broken.late; }));
  std::vector<Interpreter> all;
  for (const Interpreter& interpreter : inventory.usable) {
    const auto same = [&interpreter](const Interpreter& other) {
      return other.name == interpreter.name;
    };
    if (std::none_of(all.begin(), all.end(), same)) all.push_back(interpreter);
  }
  if (all.empty()) return ChooseInterpreters(places, {});
  return all;
}

}  // namespace trireme
