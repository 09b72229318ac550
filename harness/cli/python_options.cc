#include "harness/cli/python_options.h"

#include <string_view>

#include "harness/base/file.h"

namespace trireme {
namespace {

// "python", "python3", "/usr/bin/python3.13t"
bool IsPython(const std::string& program) {
  const std::string name = BaseName(program);
  const std::string_view start = "python";
  return name.starts_with(start) &&
         name.find_first_not_of("0123456789.td", start.size()) == std::string::npos;
}

// What one word of options says, as CPython reads it.
struct Word {
  std::string found;
  bool takes_next = false;  // the next word is the value of its last option
  bool is_last = false;     // what follows is the program's
};

Word ReadWord(const std::string& word) {
  if (word.size() < 2 || word[0] != '-') return {.is_last = true};
  if (word[1] == '-') return {.takes_next = word == "--check-hash-based-pycs"};
  for (size_t i = 1; i < word.size(); ++i) {
    switch (word[i]) {
      case 'I':
      case 'E':
      case 'S':
        return {.found = {'-', word[i]}};
      case 'c':
      case 'm':
        return {.is_last = true};
      case 'W':
      case 'X':
        return {.takes_next = i + 1 == word.size()};
      default:
        break;
    }
  }
  return {};
}

}  // namespace

std::string OptionWithoutSite(const std::vector<std::string>& argv) {
  if (argv.empty() || !IsPython(argv[0])) return "";
  for (size_t i = 1; i < argv.size(); ++i) {
    const Word word = ReadWord(argv[i]);
    if (!word.found.empty()) return word.found;
    if (word.is_last) return "";
    if (word.takes_next) ++i;
  }
  return "";
}

}  // namespace trireme
