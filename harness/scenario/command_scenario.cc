#include "harness/base/check.h"
#include "harness/base/strings.h"
#include "harness/scenario/check_choices.h"
#include "harness/scenario/scenario.h"

namespace trireme {

Scenario MakeCommandScenario(const std::vector<std::string>& argv, const std::string& directory,
                             const Vocabulary& vocabulary) {
  TRIREME_CHECK(!argv.empty());
  Scenario scenario;
  scenario.name = "command";
  scenario.directory = directory;
  for (const std::string& word : argv)
    scenario.summary += (scenario.summary.empty() ? "" : " ") + ShellQuote(word);
  scenario.command = argv;
  for (const Vocabulary::Runtime& runtime : vocabulary.runtimes)
    if (runtime.runs_commands) scenario.runtimes.push_back(runtime.name);
  // A test suite takes longer than a workload; who knows better says --timeout.
  scenario.timeout = 1'800'000'000'000;
  scenario.checks = DefaultChecks(vocabulary);
  scenario.exclusive = true;
  return scenario;
}

}  // namespace trireme
