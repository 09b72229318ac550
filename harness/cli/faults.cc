#include "harness/cli/faults.h"

#include <sys/resource.h>

#include <array>

#include "harness/base/file.h"
#include "harness/fault/class_table.h"
#include "harness/fault/compile.h"
#include "harness/fault/resource.h"
#include "harness/scenario/fault_plans.h"

namespace trireme {
namespace {

// What a process can map unless it asks for more on purpose, by an address (x86-64 and AArch64 have as much and more). What is
// below may run short on any machine, whatever memory that has: addresses are often reserved and never used.
constexpr uint64_t kAddresses = uint64_t{1} << 47;

// What the hard limit of this process, which is that of its trials, makes no shortage. Not in the class's own check: a
// plan of a saved run is as it was, wherever that is looked at.
Status CheckHardLimits(const Fault& fault) {
  TRIREME_ASSIGN_OR_RETURN(const ResourceFault read, ReadResourceFault(fault));
  struct Limited {
    const char* member;
    __rlimit_resource resource;
    const std::optional<uint64_t>& wanted;
  };
  const std::array<Limited, 3> all = {{{"nofile", RLIMIT_NOFILE, read.nofile},
                                       {"memory", RLIMIT_AS, read.memory},
                                       {"stack", RLIMIT_STACK, read.stack}}};
  if (read.memory && *read.memory >= kAddresses)
    return FaultKeyError(fault, "memory",
                         "`memory: " + std::to_string(*read.memory) +
                             "` is no shortage: a process has " + std::to_string(kAddresses) +
                             " bytes of addresses",
                         "less than 128TiB, and most often some 512MiB");
  for (const Limited& each : all) {
    rlimit limit{};
    if (!each.wanted || ::getrlimit(each.resource, &limit) != 0) continue;
    if (*each.wanted <= limit.rlim_max) continue;
    const std::string hard = std::to_string(limit.rlim_max);
    return FaultKeyError(fault, each.member,
                         "`" + std::string(each.member) + ": " + std::to_string(*each.wanted) +
                             "` is no shortage: the hard limit here is " + hard,
                         "at most " + hard + "; `trireme doctor` says what this machine allows");
  }
  return Done{};
}

Status CheckPlanJson(const Json& json) {
  TRIREME_ASSIGN_OR_RETURN(const FaultPlan plan, FaultPlan::FromJson(json));
  for (const Fault& fault : plan.faults)
    if (fault.key == ResourceFaultClass().key) TRIREME_RETURN_IF_ERROR(CheckHardLimits(fault));
  // What is too much for the plan block is found when it is filled.
  const Result<CompiledPlan> compiled = CompilePlan(plan, 0);
  if (!compiled.ok()) return compiled.error();
  return Done{};
}

Result<FaultChoice> ChooseOne(const std::string& word, const Scenario& scenario,
                              const Vocabulary& vocabulary) {
  for (const FaultChoice& own : scenario.faults)
    if (own.name == word) return own;
  Result<FaultChoice> found = FindFaultPlan(word, vocabulary);
  if (found.ok() || !found.error().file.empty()) return found;
  Diagnostic error = found.error();
  error.message = "option --faults: " + error.message;
  return error;
}

}  // namespace

void AddFaults(Vocabulary& vocabulary, const std::vector<std::string>& scenario_paths) {
  for (const FaultClass& about : FaultClasses()) {
    Vocabulary::FaultClass words{about.key, about.summary, {}};
    for (const FaultField& field : about.fields)
      words.fields.push_back({field.name, field.type, field.summary});
    vocabulary.faults.push_back(std::move(words));
  }
  vocabulary.check_faults = &CheckPlanJson;
  for (const std::string& path : scenario_paths)
    vocabulary.fault_folders.push_back(JoinPath(path, "faults"));
}

Result<std::vector<FaultChoice>> ChooseFaults(const std::vector<std::string>& words,
                                              const Scenario& scenario,
                                              const Vocabulary& vocabulary) {
  std::vector<FaultChoice> choices;
  for (const std::string& word : words) {
    TRIREME_ASSIGN_OR_RETURN(FaultChoice choice, ChooseOne(word, scenario, vocabulary));
    for (const FaultChoice& other : choices)
      if (other.name == choice.name)
        return UsageError("option --faults: two plans are named '" + choice.name + "'");
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<FaultPlan> ReadFaultOption(const std::string& word, const Vocabulary& vocabulary) {
  TRIREME_ASSIGN_OR_RETURN(const FaultChoice choice, ChooseOne(word, Scenario{}, vocabulary));
  if (choice.plan.is_null()) return FaultPlan{.name = choice.name};
  return FaultPlan::FromJson(choice.plan);
}

}  // namespace trireme
