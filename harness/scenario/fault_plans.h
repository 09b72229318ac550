#ifndef TRIREME_HARNESS_SCENARIO_FAULT_PLANS_H_
#define TRIREME_HARNESS_SCENARIO_FAULT_PLANS_H_

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/scenario/field_reader.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/vocabulary.h"

namespace trireme {

// `faults:` of a scenario: "none", names of plan files, or faults that stand there.
Result<std::vector<FaultChoice>> ReadFaults(const FieldReader& reader, const YamlNode& node,
                                            const Vocabulary& vocabulary);

// A plan file: version, summary, and all: [faults], or the keys of one fault. `name` is the plan's, `path` the file's as
// errors shall name it. The plan is what FaultPlan::FromJson() of harness/fault reads.
Result<Json> ParseFaultPlan(const std::string& text, const std::string& path,
                            const std::string& name, const Vocabulary& vocabulary,
                            std::vector<LateFault>* late = nullptr);

// A plan by its name or by its file, which a command line gives; "none".
Result<FaultChoice> FindFaultPlan(const std::string& word, const Vocabulary& vocabulary);

// A plan file that has a name.
struct FaultPlanFile {
  std::string name, file;
};
// Of all the vocabulary's folders, sorted by name; of two with one name the first folder's stands.
std::vector<FaultPlanFile> ListFaultPlans(const Vocabulary& vocabulary);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_FAULT_PLANS_H_
