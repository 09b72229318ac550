#ifndef TRIREME_HARNESS_SCENARIO_DISCOVERY_H_
#define TRIREME_HARNESS_SCENARIO_DISCOVERY_H_

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/scenario/scenario.h"

namespace trireme {

// Where a scenario is and what it is called.
struct ScenarioFile {
  std::string name;      // its folder below the scenario path, else its folder's name
  std::string file;      // as the user would write it
  std::string argument;  // names it on a command line: `name` where that finds it, else its folder
};

// All scenarios below the folders of `scenario_paths`, sorted by name. Of two with one name the
// first path's stands. A folder that holds a scenario.yaml is not searched further; neither are
// hidden ones. REQUIRES: folders.
std::vector<ScenarioFile> ListScenarios(const std::vector<std::string>& scenario_paths);

// What the arguments of `trireme run` name, in their order, each scenario once; without arguments
// all of `scenario_paths`. An argument is the first of these that it can be: a scenario's folder, a
// path to its file, a folder of scenarios, a name below a scenario path, the name of a folder there
// (`patterns`), a glob over names.
//
// kNothing for an argument that names none; kUsage for two scenarios of one name, whose cells would
// share their ids.
Result<std::vector<ScenarioFile>> FindScenarios(const std::vector<std::string>& arguments,
                                                const std::vector<std::string>& scenario_paths);

// Reads and parses each; the first error stands.
Result<std::vector<Scenario>> LoadScenarios(const std::vector<ScenarioFile>& files,
                                            const Vocabulary& vocabulary);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_DISCOVERY_H_
