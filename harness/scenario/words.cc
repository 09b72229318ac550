#include "harness/scenario/words.h"

#include <algorithm>

#include "harness/base/strings.h"

namespace trireme {

Diagnostic UnknownWord(const std::string& noun, const std::string& word,
                       std::span<const std::string> known, std::span<const std::string> later) {
  if (Contains(later, word)) return UsageError(noun + " '" + word + "' is not available yet");
  return UsageError("unknown " + noun + " '" + word + "'", DidYouMean(word, known));
}

bool Contains(std::span<const std::string> words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string> RuntimeNames(const Vocabulary& vocabulary) {
  std::vector<std::string> names;
  for (const Vocabulary::Runtime& runtime : vocabulary.runtimes) names.push_back(runtime.name);
  return names;
}

const Vocabulary::Runtime* FindRuntime(const Vocabulary& vocabulary, const std::string& name) {
  for (const Vocabulary::Runtime& runtime : vocabulary.runtimes)
    if (runtime.name == name) return &runtime;
  return nullptr;
}

}  // namespace trireme
