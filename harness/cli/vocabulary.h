#ifndef TRIREME_HARNESS_CLI_VOCABULARY_H_
#define TRIREME_HARNESS_CLI_VOCABULARY_H_

#include "harness/scenario/vocabulary.h"

namespace trireme {

// The words that scenarios may use in this build, collected from the layers that own them.
Vocabulary MakeVocabulary();

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_VOCABULARY_H_
