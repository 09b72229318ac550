#ifndef TRIREME_HARNESS_SCENARIO_WORDS_H_
#define TRIREME_HARNESS_SCENARIO_WORDS_H_

#include <span>
#include <string>
#include <vector>

#include "harness/base/diagnostic.h"
#include "harness/scenario/vocabulary.h"

namespace trireme {

// "unknown runtime 'evenlet'" with a did-you-mean, or "runtime 'greenlet' is not available yet" for
// a word of `later`.
Diagnostic UnknownWord(const std::string& noun, const std::string& word,
                       std::span<const std::string> known, std::span<const std::string> later);

bool Contains(std::span<const std::string> words, const std::string& word);

std::vector<std::string> RuntimeNames(const Vocabulary& vocabulary);
// Null when there is none of that name.
const Vocabulary::Runtime* FindRuntime(const Vocabulary& vocabulary, const std::string& name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_WORDS_H_
