#ifndef TRIREME_HARNESS_SCENARIO_CHECK_CHOICES_H_
#define TRIREME_HARNESS_SCENARIO_CHECK_CHOICES_H_

#include <vector>

#include "harness/scenario/field_reader.h"
#include "harness/scenario/scenario.h"

namespace trireme {

// `checks:`, each with its arguments complete.
Result<std::vector<CheckChoice>> ReadChecks(const FieldReader& reader, const YamlNode& node,
                                            const Vocabulary& vocabulary);

// What a scenario without `checks` is judged by.
std::vector<CheckChoice> DefaultChecks(const Vocabulary& vocabulary);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_CHECK_CHOICES_H_
