#include <array>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/table.h"
#include "harness/cli/topics.h"
#include "harness/protocol/runtimes.h"

namespace trireme {
namespace {

// A listing: rows of named columns. As text the last column is wrapped; as JSON each row is an
// object.
struct Listing {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

std::string AsText(const Listing& listing) { return FormatTable(listing.rows, 120); }

std::string AsJson(const std::string& what, const Listing& listing) {
  Json items = Json::array();
  for (const auto& row : listing.rows) {
    Json item = Json::object();
    for (size_t i = 0; i < row.size(); ++i) item[listing.columns[i]] = row[i];
    items.push_back(std::move(item));
  }
  return DumpJson(Json{{"schema", "trireme.list/1"}, {"what", what}, {"items", std::move(items)}},
                  1) +
         "\n";
}

Listing ListTopics(std::span<const Topic> topics) {
  Listing listing{.columns = {"name", "text"}};
  for (const Topic& topic : topics) listing.rows.push_back({topic.name, topic.text});
  return listing;
}

Listing ListRuntimes() {
  Listing listing{.columns = {"name", "model", "language", "summary"}};
  for (const RuntimeInfo& runtime : Runtimes())
    listing.rows.push_back({std::string(runtime.name), std::string(runtime.model),
                            std::string(runtime.language), std::string(runtime.summary)});
  return listing;
}

Listing ListExceptions() { return ListTopics(ExceptionFamilies()); }
Listing ListGlossary() { return ListTopics(Glossary()); }

// One thing that can be listed.
struct Subject {
  std::string_view name;
  Listing (*make)();  // null: not available yet
};

constexpr std::array kSubjects = {
    Subject{"runtimes", &ListRuntimes},
    Subject{"exceptions", &ListExceptions},
    Subject{"glossary", &ListGlossary},
    Subject{"faults", nullptr},
};

}  // namespace

int ListCommand(const Arguments& arguments) {
  OptionParser parser("list");
  std::vector<std::string> words;
  bool json = false;
  parser.Positionals("WHAT", words, "what to list");
  parser.Flag("--json", json, "one JSON document");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;

  std::vector<std::string> names;
  for (const Subject& subject : kSubjects) names.emplace_back(subject.name);
  if (words.size() != 1) return Fail(UsageError("list what?", "one of " + Join(names, ", ")));
  for (const Subject& subject : kSubjects) {
    if (subject.name != words[0]) continue;
    if (subject.make == nullptr)
      return Fail(UsageError("'list " + words[0] + "' is not available yet"));
    const Listing listing = subject.make();
    Print(json ? AsJson(words[0], listing) : AsText(listing));
    return kExitPass;
  }
  std::string hint = DidYouMean(words[0], names);
  if (hint.empty()) hint = "one of " + Join(names, ", ");
  return Fail(UsageError("'" + words[0] + "' is nothing that can be listed", hint));
}

}  // namespace trireme
