#ifndef TRIREME_HARNESS_CLI_VOCABULARY_H_
#define TRIREME_HARNESS_CLI_VOCABULARY_H_

#include <string>
#include <vector>

#include "harness/scenario/vocabulary.h"

namespace trireme {

// The words that scenarios may use in this build, collected from the layers that own them.
// Named plans of faults are looked for below `scenario_paths`.
Vocabulary MakeVocabulary(const std::vector<std::string>& scenario_paths = {});

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_VOCABULARY_H_
