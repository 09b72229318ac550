#ifndef TRIREME_HARNESS_SCENARIO_EXPECTATIONS_H_
#define TRIREME_HARNESS_SCENARIO_EXPECTATIONS_H_

#include <vector>

#include "harness/scenario/field_reader.h"
#include "harness/scenario/scenario.h"

namespace trireme {

// `expect:`, for a scenario whose runtimes are `runtimes`: each key must be able to match one of
// them.
Result<std::vector<Expectation>> ReadExpectations(const FieldReader& reader, const YamlNode& node,
                                                  const std::vector<std::string>& runtimes,
                                                  const Vocabulary& vocabulary);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_EXPECTATIONS_H_
