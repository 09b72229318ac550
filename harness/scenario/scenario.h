#ifndef TRIREME_HARNESS_SCENARIO_SCENARIO_H_
#define TRIREME_HARNESS_SCENARIO_SCENARIO_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/scenario/vocabulary.h"

namespace trireme {

// What one runtime, model or glob is expected to do.
struct Expectation {
  std::string key = "default";                   // as written
  std::vector<std::string> verdicts = {"pass"};  // any of them: pass, fail, unsupported
  std::string finding;                           // at least one of this kind
  bool exact_findings = false;                   // `findings:` was given
  std::vector<std::string> findings;             // exactly these kinds
  std::string outcome;                           // in every trial
  bool has_rate = false;
  double rate_low = 0, rate_high = 1;  // share of failing trials
  // The exact binomial test rejects the rate below this level; a plan says so when no result could.
  static constexpr double kRateLevel = 0.01;
};

struct CheckChoice {
  std::string name;
  Json arguments = Json::object();  // complete: defaults filled in, durations in nanoseconds
  bool by_default = false;          // nobody asked for it
};

// A fault that begins after a while, which must be before the end of a trial.
struct LateFault {
  std::string name;
  int64_t after = 0;  // nanoseconds since the trial's begin
  Diagnostic place;   // of that number
};

// What a cell suffers.
struct FaultChoice {
  std::string name = "none";
  std::string option = "--faults";  // with `argument` names it on a command line
  std::string argument = "none";
  Json plan;  // {"name", "summary", "all": [...]}; null: no faults
  std::vector<LateFault> late = {};
};

// A definition: workload, parameters, checks, expected outcomes (interface.md section 2.1).
struct Scenario {
  // "patterns/client": its folder below the scenario path, else its folder's name.
  std::string name;
  // How a command line names it: `name`, else its folder; "" for a command after --.
  std::string argument;
  std::string directory;  // absolute, without links
  std::string file;       // as the user would write it
  std::string summary, description;
  std::vector<std::string> tags, references;
  std::string python, cpp;           // absolute paths, "" when there is none
  std::vector<std::string> command;  // instead of both
  std::vector<std::string> lines;    // of its output, by regular expressions, that are compared
  Json params = Json::object();
  std::vector<std::pair<std::string, std::vector<Json>>> matrix;
  // Resolved: those that its workloads allow, in the vocabulary's order.
  std::vector<std::string> runtimes;
  std::string reference;  // NAME or NAME/INTERPRETER, "" for the default
  int64_t trials = 1;
  int64_t timeout = 30'000'000'000;  // nanoseconds
  bool isolated_process = false;     // isolation: process
  bool inputs_per_trial = false;
  // The default for a command: its trials share its folder, and with it what it keeps there (the
  // times of stestr's tests, pytest's cache, a database), its fixed ports and its names in /tmp.
  bool exclusive = false;
  int64_t memory = 0;                      // bytes a trial may map; 0: the harness's default
  std::vector<std::string> requirements;   // `requires`
  std::vector<FaultChoice> faults = {{}};  // never empty; each is a cell
  std::vector<CheckChoice> checks;         // hang and crash are judged whatever this says
  Json compare = Json::object();           // key -> "exact" | ... | {"tolerance": x}
  std::vector<Expectation> expectations;
  double max_unknown = 0.05;
};

// `path` is the scenario.yaml's path as errors shall name it; `name` its name.
Result<Scenario> ParseScenario(const std::string& text, const std::string& path,
                               const std::string& name, const Vocabulary& vocabulary);

// `trireme run --runtimes a,b -- CMD`: `argv` in `directory` under every runtime that runs
// commands, once, each trial alone, with the default checks and a deadline of half an hour.
// REQUIRES: argv is not empty.
Scenario MakeCommandScenario(const std::vector<std::string>& argv, const std::string& directory,
                             const Vocabulary& vocabulary);

// The most specific stands: exact runtime/interpreter, glob, runtime, model, default; without any,
// pass. Where a runtime has no interpreter, because it is one of C++, `cpp` stands for it:
// "thread/cpp" and "*/*" are keys of thread's cells, and so is "thr?ad" without any.
Expectation ExpectationFor(const Scenario& scenario, const Vocabulary::Runtime& runtime,
                           const std::string& interpreter);

// The published JSON schema of scenario.yaml.
Json ScenarioSchema(const Vocabulary& vocabulary);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_SCENARIO_H_
