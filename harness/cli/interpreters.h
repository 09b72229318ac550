#ifndef TRIREME_HARNESS_CLI_INTERPRETERS_H_
#define TRIREME_HARNESS_CLI_INTERPRETERS_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/result.h"
#include "harness/scenario/plan.h"

namespace trireme {

// 3.13.0; free-threaded builds are told apart by Interpreter::gil, never by the version.
struct PythonVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const PythonVersion&) const = default;
};

// The floor of every Python runtime, and the newest that `trireme setup` takes without being told.
inline constexpr PythonVersion kOldestPython = {3, 10, 0};
inline constexpr PythonVersion kNewestPythonOfSetup = {3, 13, 99};

// "3.13" is 3.13.0; nothing for what is no version.
std::optional<PythonVersion> ParsePythonVersion(std::string_view text);

// A Python that was found and cannot be used.
struct BrokenInterpreter {
  std::string path;
  std::string origin;
  std::string problem;  // "ends with status 127: error while loading shared libraries"
  bool late = false;  // of setup or active, and all that is known is that it was not answering yet
  std::string name;   // of one that is late: what it would be called, "" when nothing says so
};

// What a search found. Of several with one name the first stands for it.
struct InterpreterInventory {
  std::vector<Interpreter> usable;  // by origin, the newest of each origin first
  std::vector<BrokenInterpreter> broken;
};

// Where interpreters are looked for: first --python, then an active virtual environment, those that
// `trireme setup` made, pyenv's and PATH's.
struct InterpreterPlaces {
  std::vector<std::string>
      given;  // NAME=PATH of --python; PATH is a program or the folder of an environment
  std::string virtual_environment;  // "" when none is active
  std::string setup;                // the folder whose subfolders `trireme setup` made
  std::string pyenv;                // pyenv's root
  std::vector<std::string> path;    // folders of PATH, without pyenv's shims
  int64_t timeout =
      20 *
      kNanosecondsPerSecond;  // of one start; a slow disk takes seconds, a broken one never ends
};

// From VIRTUAL_ENV, PYENV_ROOT, HOME and PATH; `data` is Locations.data.
InterpreterPlaces FindInterpreterPlaces(const std::vector<std::string>& given,
                                        const std::string& data);

// Every interpreter of every place; each is started once, with a timeout. One that does not start
// is in `broken`; one of
// --python that does not is an error, since it was asked for by name. That the machine had no
// process or memory left to start one is an error too, here and below: what another minute would
// find must not be passed over for something else.
Result<InterpreterInventory> FindInterpreters(const InterpreterPlaces& places);

// The same for one who will take those of `names`: an error when one of them may be what is late.
Result<InterpreterInventory> FindInterpreters(const InterpreterPlaces& places,
                                              const std::set<std::string>& names);

// Those that `names` ask for: a name of --python, 3.13 (the newest GIL build of it), 3.13t
// (free-threaded), 3.13.1. Without names: those of --python, else the active environment's, else
// the newest GIL build of setup, else of any place. Starts no more interpreters than it takes to
// decide. One of an active environment or of setup that answers too late and may be the one to take
// is an error: a busy machine must not make it another. An error names what was found, and how to get what was not; kNothing when there is no
// Python at all and none was asked for.
Result<std::vector<Interpreter>> ChooseInterpreters(const InterpreterPlaces& places,
                                                    const std::vector<std::string>& names);

// One of each name, those of --python, an active environment and setup; for the nightly profile.
// Never empty, else an error; an error too when one of the last two answers too late.
Result<std::vector<Interpreter>> AllInterpreters(const InterpreterPlaces& places);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_INTERPRETERS_H_
