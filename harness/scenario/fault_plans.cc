#include "harness/scenario/fault_plans.h"

#include <map>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/scenario/fault_reader.h"
#include "harness/scenario/scenario_keys.h"

namespace trireme {
namespace {

constexpr const char* kPlanSuffix = ".yaml";

// Where the plan of that name is, "" when there is none.
std::string FileOfPlan(const std::string& name, const Vocabulary& vocabulary) {
  if (!IsFaultName(name)) return "";
  for (const std::string& folder : vocabulary.fault_folders)
    if (const std::string file = JoinPath(folder, name + kPlanSuffix); IsRegularFile(file))
      return file;
  return "";
}

Diagnostic UnknownPlan(const std::string& name, const Vocabulary& vocabulary) {
  std::vector<std::string> names = {"none"};
  for (const FaultPlanFile& plan : ListFaultPlans(vocabulary)) names.push_back(plan.name);
  const std::string near = DidYouMean(name, names);
  return UsageError("there is no fault plan '" + name + "'",
                    near.empty() ? "'trireme list faults' names them" : near);
}

Result<FaultChoice> LoadFaultPlan(const std::string& file, const std::string& name,
                                  const std::string& argument, const Vocabulary& vocabulary) {
  const Result<std::string> text = ReadFile(file);
  if (!text.ok()) return UsageError(text.error().message);
  FaultChoice choice{.name = name, .argument = argument};
  TRIREME_ASSIGN_OR_RETURN(choice.plan,
                           ParseFaultPlan(*text, file, name, vocabulary, &choice.late));
  return choice;
}

Status CheckPlanVersion(const FieldReader& reader, const YamlNode& root) {
  const YamlNode* version = root.Find("version");
  if (version == nullptr)
    return reader.ErrorAt(root, "this plan has no 'version'", "begin with version: 1");
  TRIREME_RETURN_IF_ERROR(
      reader.Whole(*version, "'version'", {kScenarioVersion, kScenarioVersion}));
  return Done{};
}

Result<FaultChoice> ReadFaultItem(const FieldReader& reader, const YamlNode& item,
                                  const Vocabulary& vocabulary) {
  if (item.kind == YamlNode::Kind::kMapping) {
    // A plan file is taken as it is.
    static const auto& others = *new std::vector<std::string>{"version", "summary"};
    if (item.Find("version") != nullptr) TRIREME_RETURN_IF_ERROR(CheckPlanVersion(reader, item));
    std::vector<LateFault> late;
    TRIREME_ASSIGN_OR_RETURN(Json plan,
                             ReadFaultPlan(reader, item, "", others, vocabulary, &late));
    if (const YamlNode* summary = item.Find("summary")) {
      TRIREME_ASSIGN_OR_RETURN(plan["summary"], reader.Text(*summary, "'summary'"));
    }
    const std::string name = GetString(plan, "name");
    return FaultChoice{
        .name = name, .argument = name, .plan = std::move(plan), .late = std::move(late)};
  }
  TRIREME_ASSIGN_OR_RETURN(const std::string name, reader.Text(item, "an item of 'faults'"));
  if (name == "none") return FaultChoice{};
  const std::string file = FileOfPlan(name, vocabulary);
  if (file.empty()) return reader.ErrorAt(item, UnknownPlan(name, vocabulary));
  return LoadFaultPlan(file, name, name, vocabulary);
}

}  // namespace

Result<std::vector<FaultChoice>> ReadFaults(const FieldReader& reader, const YamlNode& node,
                                            const Vocabulary& vocabulary) {
  TRIREME_RETURN_IF_ERROR(reader.List(node, "'faults'"));
  std::vector<FaultChoice> choices;
  for (const YamlNode& item : node.items) {
    TRIREME_ASSIGN_OR_RETURN(FaultChoice choice, ReadFaultItem(reader, item, vocabulary));
    for (const FaultChoice& other : choices)
      if (other.name == choice.name)
        return reader.ErrorAt(item, "two items of 'faults' are named '" + choice.name + "'");
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<Json> ParseFaultPlan(const std::string& text, const std::string& path,
                            const std::string& name, const Vocabulary& vocabulary,
                            std::vector<LateFault>* late) {
  static const auto& others = *new std::vector<std::string>{"version", "summary"};
  TRIREME_ASSIGN_OR_RETURN(const YamlDocument document, YamlDocument::Parse(text, path));
  const FieldReader reader(document);
  const YamlNode& root = document.root();
  TRIREME_RETURN_IF_ERROR(reader.Mapping(root, "a fault plan"));
  TRIREME_RETURN_IF_ERROR(CheckPlanVersion(reader, root));
  const YamlNode* summary = root.Find("summary");
  if (summary == nullptr)
    return reader.ErrorAt(root, "this plan has no 'summary'", "say in one line what it does");
  TRIREME_ASSIGN_OR_RETURN(const std::string line, reader.Text(*summary, "'summary'"));
  if (Trim(line).find('\n') != std::string_view::npos)
    return reader.ErrorAt(*summary, "'summary' must be one line");
  TRIREME_ASSIGN_OR_RETURN(Json plan, ReadFaultPlan(reader, root, name, others, vocabulary, late));
  plan["summary"] = std::string(Trim(line));
  return plan;
}

Result<FaultChoice> FindFaultPlan(const std::string& word, const Vocabulary& vocabulary) {
  if (word == "none") return FaultChoice{};
  if (const std::string file = FileOfPlan(word, vocabulary); !file.empty())
    return LoadFaultPlan(file, word, word, vocabulary);
  if (!IsRegularFile(word) && FileExists(word))
    return UsageError("'" + word + "' is no regular file, and so no fault plan",
                      "name a YAML file, or a plan that 'trireme list faults' shows");
  if (!IsRegularFile(word)) return UnknownPlan(word, vocabulary);
  std::string name = BaseName(word);
  if (name.ends_with(kPlanSuffix)) name.resize(name.size() - std::string_view(kPlanSuffix).size());
  if (!IsFaultName(name))
    return UsageError("'" + name + "' cannot name a fault plan",
                      "name the file with letters, digits, '.', '_' and '-'");
  return LoadFaultPlan(word, name, word, vocabulary);
}

std::vector<FaultPlanFile> ListFaultPlans(const Vocabulary& vocabulary) {
  std::map<std::string, std::string> files;
  for (const std::string& folder : vocabulary.fault_folders) {
    if (!IsDirectory(folder)) continue;
    for (const std::string& file : ListDirectory(folder)) {
      if (!file.ends_with(kPlanSuffix)) continue;
      const std::string name = file.substr(0, file.size() - std::string_view(kPlanSuffix).size());
      if (IsFaultName(name)) files.emplace(name, JoinPath(folder, file));
    }
  }
  std::vector<FaultPlanFile> plans;
  for (auto& [name, file] : files) plans.push_back({name, std::move(file)});
  return plans;
}

}  // namespace trireme
