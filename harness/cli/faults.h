#ifndef TRIREME_HARNESS_CLI_FAULTS_H_
#define TRIREME_HARNESS_CLI_FAULTS_H_

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/fault/fault.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/vocabulary.h"

namespace trireme {

// The classes of faults, and how a plan is checked; named plans are looked for in `faults` of each scenario path.
void AddFaults(Vocabulary& vocabulary, const std::vector<std::string>& scenario_paths);

// The plans of --faults, instead of the scenario's own: each a name of one of those, of a plan file, or a file.
Result<std::vector<FaultChoice>> ChooseFaults(const std::vector<std::string>& words,
                                              const Scenario& scenario,
                                              const Vocabulary& vocabulary);

// One plan of --faults, for a program that is no scenario.
Result<FaultPlan> ReadFaultOption(const std::string& word, const Vocabulary& vocabulary);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_FAULTS_H_
