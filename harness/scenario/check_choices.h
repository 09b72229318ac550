#ifndef TRIREME_HARNESS_SCENARIO_CHECK_CHOICES_H_
#define TRIREME_HARNESS_SCENARIO_CHECK_CHOICES_H_

#include <vector>

#include "harness/scenario/field_reader.h"
#include "harness/scenario/scenario.h"

namespace trireme {

// `checks:`, each with its arguments complete.
Result<std::vector<CheckChoice>> ReadChecks(const FieldReader& reader, const YamlNode& node,
                                            const Vocabulary& vocabulary);

// Why `choice` cannot be judged beside `others`, which come before it: it is one of them, or is a
// second word on what is judged once. Two that say what they are about, such as operations, are two
// checks. The diagnostic has no place.
Status CheckRepeats(const std::vector<CheckChoice>& others, const CheckChoice& choice,
                    const Vocabulary& vocabulary);

// What a scenario without `checks` is judged by.
std::vector<CheckChoice> DefaultChecks(const Vocabulary& vocabulary);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_CHECK_CHOICES_H_
