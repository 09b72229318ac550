#ifndef TRIREME_HARNESS_CLI_SETTINGS_H_
#define TRIREME_HARNESS_CLI_SETTINGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace trireme {

// What a run may be given: by its options, by trireme.yaml, by a profile of it. Empty: not said.
struct RunSettings {
  std::vector<std::string> runtimes, interpreters;
  std::optional<int64_t> trials, jobs;
  std::optional<int64_t> timeout, budget;  // nanoseconds
};

// `trireme.yaml`, at the root of a user's repository.
struct Settings {
  std::string file;                         // "" when there is none
  std::vector<std::string> scenario_paths;  // absolute
  std::vector<std::string> suppressions;    // files, absolute
  std::vector<std::string> pythons;         // NAME=PATH, as --python takes them; PATH absolute
  std::string profile;                      // when none is given
  RunSettings run;
  std::map<std::string, RunSettings> profiles;  // stand before `run`
};

// Nothing in the file is ignored: an unknown key is an error that points at it. `path` names the
// file in errors; relative paths in it are relative to its folder.
Result<Settings> ParseSettings(const std::string& text, const std::string& path);

// The trireme.yaml of `directory` or of the nearest folder above it, up to the root of its
// repository (.git). No file: empty settings.
Result<Settings> FindSettings(const std::string& directory);

// quick, ci, nightly
const std::vector<std::string>& ProfileNames();

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_SETTINGS_H_
