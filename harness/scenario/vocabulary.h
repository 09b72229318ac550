#ifndef TRIREME_HARNESS_SCENARIO_VOCABULARY_H_
#define TRIREME_HARNESS_SCENARIO_VOCABULARY_H_

#include <string>
#include <vector>

#include "harness/base/json.h"

namespace trireme {

// The words that a scenario may use and this layer does not own; the command line fills it from the
// other layers.
struct Vocabulary {
  struct Runtime {
    std::string name, model, language;
    bool runs_commands = false;
  };
  // An argument of a check. type: text, texts, duration, number, boolean.
  struct Argument {
    std::string name, type;
    bool required = false;
    Json fallback;
  };
  struct Check {
    std::string name;
    std::vector<Argument> arguments;
    bool by_default = false;
  };
  std::vector<Runtime> runtimes;
  std::vector<Check> checks;
  std::vector<std::string> finding_kinds;
  std::vector<std::string> capabilities;                              // for `requires`
  std::vector<std::string> later_runtimes, later_checks, later_keys;  // "not available yet"
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_VOCABULARY_H_
