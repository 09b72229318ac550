#include <array>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/locations.h"
#include "harness/base/strings.h"
#include "harness/check/checker.h"
#include "harness/check/results.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/correspondences.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/run_preparation.h"
#include "harness/cli/settings.h"
#include "harness/cli/table.h"
#include "harness/cli/topics.h"
#include "harness/cli/vocabulary.h"
#include "harness/cli/watchable_checks.h"
#include "harness/protocol/runtimes.h"
#include "harness/scenario/discovery.h"
#include "harness/scenario/fault_plans.h"

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

std::string Described(const CheckArgument& argument) {
  if (argument.required) return argument.name + ": " + argument.type + ", required";
  if (argument.fallback.is_null()) return argument.name + ": " + argument.type;
  const bool duration = argument.type == "duration" && argument.fallback.is_number_integer();
  return argument.name + ": " + argument.type + ", default " +
         (duration ? FormatDuration(argument.fallback.get<int64_t>())
                   : DumpJson(argument.fallback));
}

Listing ListChecks() {
  Listing listing{.columns = {"name", "when", "watched", "arguments", "summary"}};
  for (const CheckDescription& check : DescribeChecks()) {
    std::vector<std::string> arguments;
    for (const CheckArgument& argument : check.arguments) arguments.push_back(Described(argument));
    listing.rows.push_back({check.name,
                            check.always       ? "always"
                            : check.by_default ? "default"
                                               : "named",
                            std::string(WatchedOf(check.name)), Join(arguments, "; "),
                            check.summary});
  }
  return listing;
}

std::vector<std::string> ListedPaths() {
  const Result<Settings> settings = FindSettings(".");
  const std::vector<std::string> given =
      settings.ok() ? settings->scenario_paths : std::vector<std::string>();
  return ScenarioPaths(given, FindLocations());
}

Listing ListScenarioFiles() {
  Listing listing{.columns = {"name", "file", "summary"}};
  const std::vector<std::string> paths = ListedPaths();
  const Vocabulary vocabulary = MakeVocabulary(paths);
  for (const ScenarioFile& file : ListScenarios(paths)) {
    const Result<std::vector<Scenario>> scenario = LoadScenarios({file}, vocabulary);
    listing.rows.push_back({file.name, file.file,
                            scenario.ok() ? scenario->front().summary
                                          : "does not parse: " + scenario.error().message});
  }
  return listing;
}

// The named plans, then what a plan can be made of.
Listing ListFaults() {
  Listing listing{.columns = {"name", "type", "summary"}};
  const Vocabulary vocabulary = MakeVocabulary(ListedPaths());
  for (const FaultPlanFile& plan : ListFaultPlans(vocabulary)) {
    const Result<FaultChoice> choice = FindFaultPlan(plan.name, vocabulary);
    listing.rows.push_back({plan.name, "plan",
                            choice.ok() ? GetString(choice->plan, "summary")
                                        : "cannot be read: " + choice.error().message});
  }
  for (const Vocabulary::FaultClass& about : vocabulary.faults) {
    listing.rows.push_back({about.key, "class", about.summary});
    for (const Vocabulary::FaultField& field : about.fields)
      listing.rows.push_back({about.key + "." + field.name, field.type, field.summary});
  }
  return listing;
}

Listing ListCorrespondences() {
  Listing listing{.columns = {"feature", "runtime", "native", "remarks"}};
  for (const Correspondence& row : ReadCorrespondences(FindLocations()))
    listing.rows.push_back({row.feature, row.runtime, row.native, row.remarks});
  return listing;
}

Json ScenarioSchemaDocument() { return ScenarioSchema(MakeVocabulary()); }

// One thing that can be listed: a table, or a JSON document of its own. Neither: not available yet.
struct Subject {
  std::string_view name;
  Listing (*table)() = nullptr;
  Json (*document)() = nullptr;
};

constexpr std::array kSubjects = {
    Subject{"scenarios", &ListScenarioFiles},
    Subject{"runtimes", &ListRuntimes},
    Subject{"checks", &ListChecks},
    Subject{"exceptions", &ListExceptions},
    Subject{"correspondences", &ListCorrespondences},
    Subject{"glossary", &ListGlossary},
    Subject{"scenario-schema", nullptr, &ScenarioSchemaDocument},
    Subject{"results-schema", nullptr, &ResultsSchema},
    Subject{"faults", &ListFaults},
};

bool IsAvailable(const Subject& subject) {
  return subject.table != nullptr || subject.document != nullptr;
}

std::string Rendered(const Subject& subject, bool json) {
  if (subject.document != nullptr) return DumpJson(subject.document(), 2) + "\n";
  const Listing listing = subject.table();
  return json ? AsJson(std::string(subject.name), listing) : AsText(listing);
}

}  // namespace

int ListCommand(const Arguments& arguments) {
  OptionParser parser("list");
  std::vector<std::string> words;
  bool json = false;
  parser.Positionals("WHAT", words, "what to list");
  parser.Flag("--json", json, "one JSON document");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;

  std::vector<std::string> names;
  for (const Subject& subject : kSubjects)
    if (IsAvailable(subject)) names.emplace_back(subject.name);
  if (words.size() != 1) return Fail(UsageError("list what?", "one of " + Join(names, ", ")));
  for (const Subject& subject : kSubjects) {
    if (subject.name != words[0]) continue;
    if (!IsAvailable(subject))
      return Fail(UsageError("'list " + words[0] + "' is not available yet"));
    Print(Rendered(subject, json));
    return kExitPass;
  }
  std::string hint = DidYouMean(words[0], names);
  if (hint.empty()) hint = "one of " + Join(names, ", ");
  return Fail(UsageError("'" + words[0] + "' is nothing that can be listed", hint));
}

}  // namespace trireme
