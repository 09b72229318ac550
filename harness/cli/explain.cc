#include <algorithm>
#include <string>
#include <vector>

#include "harness/base/strings.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/table.h"
#include "harness/cli/topics.h"

namespace trireme {
namespace {

// "exit-codes", "finding kinds" and "verdict" name a whole group.
std::string GroupName(std::string text) {
  std::replace(text.begin(), text.end(), '-', ' ');
  if (text.ends_with("ies")) return text.substr(0, text.size() - 3) + "y";
  if (text.ends_with('s')) text.pop_back();
  return text;
}

std::string Explain(const std::string& thing) {
  std::string out;
  for (const Topic& topic : AllTopics())
    if (topic.name == thing)
      out += topic.name + " (" + topic.group + ")\n" + Wrap(topic.text, 100, 2);
  if (!out.empty()) return out;
  std::vector<std::vector<std::string>> rows;
  for (const Topic& topic : AllTopics())
    if (topic.group == GroupName(thing)) rows.push_back({topic.name, topic.text});
  return FormatTable(rows, 100);
}

Diagnostic NothingOfThatName(const std::string& thing) {
  std::vector<std::string> names;
  std::vector<std::string> groups;
  for (const Topic& topic : AllTopics()) {
    names.push_back(topic.name);
    if (std::find(groups.begin(), groups.end(), topic.group) == groups.end())
      groups.push_back(topic.group);
  }
  std::string hint = DidYouMean(thing, names);
  if (hint.empty()) hint = "a name, or one of these groups: " + Join(groups, ", ");
  return UsageError("nothing is known of '" + thing + "'", hint);
}

}  // namespace

int ExplainCommand(const Arguments& arguments) {
  OptionParser parser("explain");
  std::vector<std::string> words;
  parser.Positionals(
      "THING", words,
      "a finding kind, a verdict, an exit code, a runtime, a check, a format, a word");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;
  if (words.empty())
    return Fail(UsageError("explain what?", "for example 'trireme explain lost-update'"));
  std::string thing = Join(words, " ");
  if (thing.starts_with("exit ") && thing != "exit code" && thing != "exit codes")
    thing = thing.substr(5);
  const std::string text = Explain(thing);
  if (text.empty()) return Fail(NothingOfThatName(thing));
  Print(text);
  return kExitPass;
}

}  // namespace trireme
