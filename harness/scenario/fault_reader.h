#ifndef TRIREME_HARNESS_SCENARIO_FAULT_READER_H_
#define TRIREME_HARNESS_SCENARIO_FAULT_READER_H_

#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/scenario/field_reader.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/vocabulary.h"

namespace trireme {

// Reads a mapping with the keys of one fault (name, seed, at, a class) or with `all`, into a plan's JSON. `name` is the
// plan's, and that of a lone fault that has none; "": the mapping has to give it. Of further keys, which are not read
// here, `others` are allowed. Adds those that begin later to `late`, where there is one.
Result<Json> ReadFaultPlan(const FieldReader& reader, const YamlNode& node, const std::string& name,
                           std::span<const std::string> others, const Vocabulary& vocabulary,
                           std::vector<LateFault>* late = nullptr);

// Letters, digits, '.', '_' and '-', a letter or digit first: it is in file names and in the ids of cells.
bool IsFaultName(const std::string& name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_FAULT_READER_H_
