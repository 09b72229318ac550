#ifndef TRIREME_HARNESS_CLI_RUN_PREPARATION_H_
#define TRIREME_HARNESS_CLI_RUN_PREPARATION_H_

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/locations.h"
#include "harness/base/result.h"
#include "harness/cli/run_options.h"
#include "harness/scenario/plan.h"

namespace trireme {

// A run that may start: everything that can be wrong with its input has been looked at, nothing was
// written.
struct PreparedRun {
  Plan plan;
  Json interpreters =
      Json::object();  // name -> {path, version, origin, gil, packages}, for run.json
  std::map<std::string, std::string> compiled;  // workload.cc -> the object that a runner loads
};

// Finds and reads the scenarios, chooses interpreters, makes the plan, and looks at each workload:
// Python's is parsed, C++'s compiled (not for a dry run). All errors of the step that failed, not
// only the first.
class RunPreparation {
 public:
  RunPreparation(const RunOptions& options, const Locations& locations);

  // The run, or the errors (never empty).
  std::variant<PreparedRun, std::vector<Diagnostic>> Prepare();

 private:
  using Errors = std::vector<Diagnostic>;

  Errors ReadScenarios();
  Errors ApplyFaults();
  Errors TakeFaultsFrom();
  Errors ChooseInterpreters();
  Errors MakePlan();
  Errors CheckPythonWorkloads();
  Errors PreflightAll();
  Errors CompileWorkloads();
  bool WantsPython() const;
  void AddUnhostable(const std::string& path, const std::vector<std::string>& absent);
  Result<std::vector<Interpreter>> Chosen() const;
  Result<std::vector<Interpreter>> OthersForReference() const;

  const RunOptions& options_;
  const Locations& locations_;
  // The seed where none is given, one however often the plan is made: by chance, or of the run whose faults come again.
  uint64_t entropy_;
  Vocabulary vocabulary_;
  std::vector<Scenario> scenarios_;
  PlanOptions plan_options_;
  PreparedRun run_;
};

// Where scenarios are looked for by name: `given`, else ./scenarios where there is one; then the
// shipped ones.
std::vector<std::string> ScenarioPaths(const std::vector<std::string>& given,
                                       const Locations& locations);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_RUN_PREPARATION_H_
