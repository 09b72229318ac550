#ifndef TRIREME_HARNESS_SCENARIO_VOCABULARY_H_
#define TRIREME_HARNESS_SCENARIO_VOCABULARY_H_

#include <functional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

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
  // What a fault says below `key`. type: duration, signed-duration, bytes, bandwidth, count, share, factor, boolean,
  // text, texts.
  struct FaultField {
    std::string name, type, summary;
  };
  struct FaultClass {
    std::string key, summary;
    std::vector<FaultField> fields;
  };
  std::vector<Runtime> runtimes;
  std::vector<Check> checks;
  std::vector<std::string> finding_kinds;
  std::vector<std::string> capabilities;  // for `requires`
  std::vector<FaultClass> faults;         // `at` and `do` first
  // Whether a plan, as ReadFaultPlan() makes it, can do what it says; none: nobody asks.
  std::function<Status(const Json& plan)> check_faults;
  std::vector<std::string> fault_folders;  // where NAME.yaml of a named plan is looked for
  std::vector<std::string> later_runtimes, later_checks, later_keys;  // "not available yet"
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_VOCABULARY_H_
