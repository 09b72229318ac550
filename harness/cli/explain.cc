#include <algorithm>
#include <string>
#include <vector>

#include "harness/base/strings.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/correspondences.h"
#include "harness/cli/eventlet_names.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/fault_support.h"
#include "harness/cli/faults.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/run_preparation.h"
#include "harness/cli/settings.h"
#include "harness/cli/table.h"
#include "harness/cli/topics.h"
#include "harness/cli/vocabulary.h"
#include "harness/scenario/fault_plans.h"

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

// Words that name a feature as well as a topic. The others need not ask the runners, which takes a
// while.
bool IsFeatureToo(const std::string& thing) { return thing == "timeout" || thing == "settle"; }

bool Names(const Correspondence& row, const std::string& plain) {
  const std::vector<std::string> names = NamesOfFeature(row.feature);
  return std::find(names.begin(), names.end(), plain) != names.end();
}

// What the features `plain` become in each runtime.
std::string Tabulated(const std::vector<std::string>& plain,
                      const std::vector<Correspondence>& table) {
  std::vector<std::vector<std::string>> rows;
  for (const Correspondence& row : table)
    if (std::any_of(plain.begin(), plain.end(),
                    [&](const std::string& name) { return Names(row, name); }))
      rows.push_back({"  " + row.feature, row.runtime,
                      row.native + (row.remarks.empty() ? "" : " (" + row.remarks + ")")});
  return FormatTable(rows, 120);
}

std::string ExplainFeature(const std::string& thing, const std::vector<Correspondence>& table) {
  const std::string plain = PlainName(thing);
  for (const EventletName& name : EventletNames()) {
    if (PlainName(name.name) != plain) continue;
    std::string out = std::string(name.name) + " (Eventlet)\n";
    if (!name.text.empty()) out += Wrap(name.text, 100, 2);
    return out + Tabulated(Split(name.api, ' '), table);
  }
  const std::string rows = Tabulated({plain}, table);
  return rows.empty() ? "" : plain + " (workload API)\n" + rows;
}

// The words of fault plans, from the same folders as `trireme list faults`.
Vocabulary PlanVocabulary() {
  const Result<Settings> settings = FindSettings(".");
  return MakeVocabulary(ScenarioPaths(
      settings.ok() ? settings->scenario_paths : std::vector<std::string>(), FindLocations()));
}

// "" where no plan has that name. An error is the plan's own.
Result<std::string> ExplainFaultPlan(const std::string& thing) {
  const Vocabulary vocabulary = PlanVocabulary();
  for (const FaultPlanFile& file : ListFaultPlans(vocabulary)) {
    if (file.name != thing) continue;
    TRIREME_ASSIGN_OR_RETURN(const FaultPlan plan, ReadFaultOption(thing, vocabulary));
    return DescribeFaultPlan(plan);
  }
  return std::string();
}

Diagnostic NothingOfThatName(const std::string& thing, const std::vector<Correspondence>& table) {
  std::vector<std::string> names;
  for (const EventletName& name : EventletNames()) names.emplace_back(name.name);
  for (const Correspondence& row : table)
    for (std::string& name : NamesOfFeature(row.feature)) names.push_back(std::move(name));
  for (const FaultPlanFile& file : ListFaultPlans(PlanVocabulary())) names.push_back(file.name);
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
      "a feature of Eventlet or of the workload API, a finding kind, a verdict, an exit code, a "
      "runtime, a check, a fault plan, a format, a word");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;
  if (words.empty())
    return Fail(UsageError("explain what?", "for example 'trireme explain lost-update'"));
  std::string thing = Join(words, " ");
  if (thing.starts_with("exit ") && thing != "exit code" && thing != "exit codes")
    thing = thing.substr(5);
  std::string text = Explain(thing);
  const Result<std::string> plan = ExplainFaultPlan(thing);
  if (!plan.ok()) return Fail(plan.error());
  text += *plan;
  if (text.empty() || IsFeatureToo(thing)) {
    const std::vector<Correspondence> table = ReadCorrespondences(FindLocations());
    text += ExplainFeature(thing, table);
    if (text.empty()) return Fail(NothingOfThatName(thing, table));
  }
  Print(text);
  return kExitPass;
}

}  // namespace trireme
