#ifndef TRIREME_HARNESS_CLI_TOPICS_H_
#define TRIREME_HARNESS_CLI_TOPICS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trireme {

// Something that `trireme explain` explains.
struct Topic {
  std::string group;  // "finding kind", "verdict", "word", ...
  std::string name;
  std::string text;  // sentences; wrapped when printed
};

// The vocabulary of design.md: what `list glossary` prints.
std::span<const Topic> Glossary();
// What a check may report, in this build or a later one.
std::span<const Topic> FindingKindTopics();
std::span<const Topic> VerdictTopics();
// The families in which exceptions of different runtimes compare as equal, with members of each.
std::span<const Topic> ExceptionFamilies();

// All of these, and exit codes, runtimes, checks and report formats.
std::vector<Topic> AllTopics();

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_TOPICS_H_
