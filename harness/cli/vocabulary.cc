#include "harness/cli/vocabulary.h"

#include "harness/check/checker.h"
#include "harness/cli/capabilities.h"
#include "harness/cli/faults.h"
#include "harness/protocol/runtimes.h"

namespace trireme {
namespace {

std::vector<Vocabulary::Argument> ArgumentsOf(const CheckDescription& check) {
  std::vector<Vocabulary::Argument> arguments;
  for (const CheckArgument& argument : check.arguments)
    arguments.push_back({argument.name, argument.type, argument.required, argument.fallback});
  return arguments;
}

}  // namespace

Vocabulary MakeVocabulary(const std::vector<std::string>& scenario_paths) {
  Vocabulary vocabulary;
  for (const RuntimeInfo& runtime : Runtimes())
    vocabulary.runtimes.push_back({std::string(runtime.name), std::string(runtime.model),
                                   std::string(runtime.language), runtime.runs_commands});
  for (const CheckDescription& check : DescribeChecks())
    vocabulary.checks.push_back({check.name, ArgumentsOf(check), check.by_default});
  vocabulary.finding_kinds = FindingKinds();
  vocabulary.capabilities = CapabilityNames();
  vocabulary.later_runtimes = {"greenlet",       "futurist", "cotyledon", "oslo-eventlet",
                               "oslo-threading", "awaitlet", "aiohttp"};
  vocabulary.later_checks = {"linearizable", "no-effect"};
  vocabulary.later_keys = {"roles", "budgets"};
  AddFaults(vocabulary, scenario_paths);
  return vocabulary;
}

}  // namespace trireme
