#include <cctype>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/line_pattern.h"
#include "harness/base/strings.h"
#include "harness/scenario/check_choices.h"
#include "harness/scenario/expectations.h"
#include "harness/scenario/fault_plans.h"
#include "harness/scenario/field_reader.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/scenario_keys.h"
#include "harness/scenario/words.h"
#include "harness/scenario/yaml_document.h"

namespace trireme {
namespace {

using Kind = YamlNode::Kind;

// Reads one scenario, key by key. The order matters: the version first, for a newer one explains
// everything else; what later keys refer to (workload, runtimes) before them.
class ScenarioParser {
 public:
  ScenarioParser(const YamlDocument& document, const Vocabulary& vocabulary, Scenario& scenario)
      : root_(document.root()), reader_(document), vocabulary_(vocabulary), scenario_(scenario) {}

  Status Parse() {
    TRIREME_RETURN_IF_ERROR(reader_.Mapping(root_, "a scenario"));
    TRIREME_RETURN_IF_ERROR(CheckVersion());
    TRIREME_RETURN_IF_ERROR(CheckKeys());
    for (const auto read :
         {&ScenarioParser::ReadTexts, &ScenarioParser::ReadWorkload, &ScenarioParser::ReadParams,
          &ScenarioParser::ReadMatrix, &ScenarioParser::ReadRuntimes,
          &ScenarioParser::ReadReference, &ScenarioParser::ReadLimits, &ScenarioParser::ReadModes,
          &ScenarioParser::ReadRequirements, &ScenarioParser::ReadFaults,
          &ScenarioParser::ReadJudgement})
      TRIREME_RETURN_IF_ERROR((this->*read)());
    return Done{};
  }

 private:
  const YamlNode* Find(std::string_view key) const { return root_.Find(key); }

  Result<const YamlNode*> Require(const std::string& key, const std::string& hint) const {
    if (const YamlNode* node = Find(key)) return node;
    const YamlNode& place = root_.keys.empty() ? root_ : root_.keys.front();
    return reader_.ErrorAt(place, "this scenario has no '" + key + "'", hint);
  }

  Status CheckVersion() {
    TRIREME_ASSIGN_OR_RETURN(const YamlNode* node, Require("version", "begin with version: 1"));
    const Json version = node->kind == Kind::kScalar ? ScalarValue(*node) : Json();
    const int64_t number = version.is_number_integer() ? version.get<int64_t>() : 0;
    if (number > kScenarioVersion)
      return reader_.ErrorAt(*node,
                             "version " + node->text + " is newer than this trireme reads (" +
                                 std::to_string(kScenarioVersion) + ")",
                             "update trireme");
    if (number != kScenarioVersion)
      return reader_.ErrorAt(*node, "'version' must be " + std::to_string(kScenarioVersion));
    return Done{};
  }

  Status CheckKeys() {
    for (const YamlNode& key : root_.keys) {
      if (Contains(ScenarioKeys(), key.text)) continue;
      return reader_.ErrorAt(key,
                             UnknownWord("key", key.text, ScenarioKeys(), vocabulary_.later_keys));
    }
    return Done{};
  }

  Status ReadTexts() {
    TRIREME_ASSIGN_OR_RETURN(const YamlNode* summary,
                             Require("summary", "say in one line what the scenario shows"));
    TRIREME_ASSIGN_OR_RETURN(scenario_.summary, reader_.Text(*summary, "'summary'"));
    scenario_.summary = Trim(scenario_.summary);
    if (scenario_.summary.find('\n') != std::string::npos)
      return reader_.ErrorAt(*summary, "'summary' must be one line",
                             "put the rest under 'description'");
    if (const YamlNode* description = Find("description")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.description, reader_.Text(*description, "'description'"));
    }
    if (const YamlNode* tags = Find("tags")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.tags, reader_.Texts(*tags, "'tags'"));
    }
    if (const YamlNode* references = Find("references")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.references, reader_.Texts(*references, "'references'"));
    }
    return Done{};
  }

  Status ReadWorkload() {
    static const auto& known_keys =
        *new std::vector<std::string>{"python", "cpp", "command", "lines"};
    TRIREME_ASSIGN_OR_RETURN(const YamlNode* workload,
                             Require("workload", "write workload: {python: workload.py}"));
    TRIREME_RETURN_IF_ERROR(reader_.Keys(*workload, "'workload'", known_keys));
    if (workload->keys.empty())
      return reader_.ErrorAt(*workload, "'workload' must not be empty",
                             "write workload: {python: workload.py}");
    if (const YamlNode* command = workload->Find("command")) {
      if (workload->Find("python") != nullptr || workload->Find("cpp") != nullptr)
        return reader_.ErrorAt(*workload, "a workload is files or a command, not both");
      TRIREME_RETURN_IF_ERROR(reader_.List(*command, "'command'"));
      TRIREME_ASSIGN_OR_RETURN(scenario_.command, reader_.Texts(*command, "'command'"));
      TRIREME_RETURN_IF_ERROR(MustBeText(*command, scenario_.directory));
    }
    TRIREME_RETURN_IF_ERROR(ReadLines(*workload));
    if (const YamlNode* python = workload->Find("python")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.python, ReadFileName(*python, "'python'"));
      TRIREME_RETURN_IF_ERROR(MustBeText(*python, scenario_.python));
    }
    if (const YamlNode* cpp = workload->Find("cpp")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.cpp, ReadFileName(*cpp, "'cpp'"));
    }
    return Done{};
  }

  Status ReadLines(const YamlNode& workload) {
    const YamlNode* lines = workload.Find("lines");
    if (lines == nullptr) return Done{};
    if (scenario_.command.empty())
      return reader_.ErrorAt(*lines, "'lines' are of the output of a command",
                             "a workload in Python or C++ calls rt.observe");
    TRIREME_RETURN_IF_ERROR(reader_.List(*lines, "'lines'"));
    TRIREME_ASSIGN_OR_RETURN(scenario_.lines, reader_.Texts(*lines, "'lines'"));
    for (size_t i = 0; i < scenario_.lines.size(); ++i) {
      const Result<LinePattern> pattern = LinePattern::Parse(scenario_.lines[i]);
      if (!pattern.ok()) return reader_.ErrorAt(lines->items[i], pattern.error().message);
    }
    return Done{};
  }

  // What a runner is sent is JSON, which has no other bytes. C++ workloads are compiled to where the harness keeps them.
  Status MustBeText(const YamlNode& node, const std::string& path) const {
    if (ToValidUtf8(path) == path) return Done{};
    return reader_.ErrorAt(node, "the path of the scenario's folder is not valid UTF-8",
                           "rename the folder");
  }

  Result<std::string> ReadFileName(const YamlNode& node, const std::string& what) const {
    TRIREME_ASSIGN_OR_RETURN(const std::string name, reader_.Text(node, what));
    const std::string path = JoinPath(scenario_.directory, name);
    if (!FileExists(path)) return reader_.ErrorAt(node, "workload '" + name + "' does not exist");
    const std::string real = RealPath(path);
    if (!real.starts_with(JoinPath(scenario_.directory, "")))
      return reader_.ErrorAt(node, "workload '" + name + "' is outside the scenario's folder");
    if (IsDirectory(real)) return reader_.ErrorAt(node, "workload '" + name + "' is a folder");
    if (!IsRegularFile(real))
      return reader_.ErrorAt(node, "workload '" + name + "' is no regular file");
    return real;
  }

  Status ReadParams() {
    const YamlNode* params = Find("params");
    if (params == nullptr) return Done{};
    TRIREME_RETURN_IF_ERROR(reader_.Mapping(*params, "'params'"));
    for (const YamlNode& key : params->keys) TRIREME_RETURN_IF_ERROR(CheckParamName(key));
    TRIREME_ASSIGN_OR_RETURN(scenario_.params, reader_.Value(*params));
    return Done{};
  }

  Status CheckParamName(const YamlNode& key) const {
    if (IsParamName(key.text)) return Done{};
    return reader_.ErrorAt(key, "'" + key.text + "' cannot name a param",
                           "use letters, digits, '_', '.' and '-', a letter first");
  }

  Status ReadMatrix() {
    const YamlNode* matrix = Find("matrix");
    if (matrix == nullptr) return Done{};
    TRIREME_RETURN_IF_ERROR(reader_.Mapping(*matrix, "'matrix'"));
    double cells = 1;
    for (size_t i = 0; i < matrix->keys.size(); ++i) {
      TRIREME_RETURN_IF_ERROR(ReadAxis(matrix->keys[i], matrix->items[i]));
      cells *= static_cast<double>(matrix->items[i].items.size());
      if (cells > static_cast<double>(kMatrixCells))
        return reader_.ErrorAt(
            matrix->keys[i],
            "'matrix' plans more than " + std::to_string(kMatrixCells) + " cells a runtime",
            "leave values out, or split the scenario");
    }
    return Done{};
  }

  Status ReadAxis(const YamlNode& key, const YamlNode& values) {
    TRIREME_RETURN_IF_ERROR(CheckParamName(key));
    if (scenario_.params.contains(key.text))
      return reader_.ErrorAt(key, "'" + key.text + "' is in 'params' too");
    TRIREME_RETURN_IF_ERROR(reader_.List(values, "'" + key.text + "'"));
    std::vector<Json> axis;
    for (const YamlNode& item : values.items) {
      TRIREME_ASSIGN_OR_RETURN(Json value, reader_.Value(item));
      for (const Json& other : axis)
        if (other == value) return reader_.ErrorAt(item, "this value is listed twice");
      axis.push_back(std::move(value));
    }
    scenario_.matrix.emplace_back(key.text, std::move(axis));
    return Done{};
  }

  // Why the workloads rule a runtime out, "" when they do not.
  std::string WhyNot(const Vocabulary::Runtime& runtime) const {
    if (!scenario_.command.empty()) return runtime.runs_commands ? "" : "runs no commands";
    if (runtime.language == "python" && scenario_.python.empty()) return "needs a Python workload";
    if (runtime.language == "cpp" && scenario_.cpp.empty()) return "needs a C++ workload";
    return "";
  }

  Status ReadRuntimes() {
    std::vector<std::string> chosen;
    if (const YamlNode* node = Find("runtimes")) {
      TRIREME_RETURN_IF_ERROR(reader_.List(*node, "'runtimes'"));
      for (const YamlNode& item : node->items) {
        TRIREME_ASSIGN_OR_RETURN(std::string name, ReadRuntime(item));
        chosen.push_back(std::move(name));
      }
    }
    for (const Vocabulary::Runtime& runtime : vocabulary_.runtimes) {
      if (!chosen.empty() && !Contains(chosen, runtime.name)) continue;
      if (WhyNot(runtime).empty()) scenario_.runtimes.push_back(runtime.name);
    }
    if (!scenario_.runtimes.empty()) return Done{};
    return reader_.ErrorAt(*Find("workload"), "no runtime can run this workload");
  }

  Result<std::string> ReadRuntime(const YamlNode& node) const {
    TRIREME_ASSIGN_OR_RETURN(std::string name, reader_.Text(node, "an item of 'runtimes'"));
    const Vocabulary::Runtime* runtime = FindRuntime(vocabulary_, name);
    if (runtime == nullptr)
      return reader_.ErrorAt(node, UnknownWord("runtime", name, RuntimeNames(vocabulary_),
                                               vocabulary_.later_runtimes));
    if (const std::string why = WhyNot(*runtime); !why.empty())
      return reader_.ErrorAt(node, "runtime '" + name + "' " + why);
    return name;
  }

  Status ReadReference() {
    const YamlNode* node = Find("reference");
    if (node == nullptr) return Done{};
    TRIREME_ASSIGN_OR_RETURN(scenario_.reference, reader_.Text(*node, "'reference'"));
    const std::string runtime = scenario_.reference.substr(0, scenario_.reference.find('/'));
    if (FindRuntime(vocabulary_, runtime) == nullptr)
      return reader_.ErrorAt(*node, UnknownWord("runtime", runtime, RuntimeNames(vocabulary_),
                                                vocabulary_.later_runtimes));
    if (!Contains(scenario_.runtimes, runtime))
      return reader_.ErrorAt(*node,
                             "the reference '" + runtime + "' is no runtime of this scenario",
                             "it allows " + Join(scenario_.runtimes, ", "));
    const bool interpreted = FindRuntime(vocabulary_, runtime)->language == "python";
    if (scenario_.reference != runtime && !interpreted)
      return reader_.ErrorAt(*node, "runtime '" + runtime + "' has no interpreter");
    if (scenario_.reference.ends_with('/'))
      return reader_.ErrorAt(*node, "no interpreter after '/'");
    return Done{};
  }

  Status ReadLimits() {
    if (const YamlNode* trials = Find("trials")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.trials, reader_.Whole(*trials, "'trials'", kTrialCount));
    }
    if (const YamlNode* timeout = Find("timeout")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.timeout,
                               reader_.Duration(*timeout, "'timeout'", kTrialTimeout));
    }
    if (const YamlNode* memory = Find("memory")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.memory, reader_.Bytes(*memory, "'memory'", kTrialMemory));
    }
    if (const YamlNode* share = Find("max-unknown")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.max_unknown, reader_.Number(*share, "'max-unknown'"));
      if (!(scenario_.max_unknown >= 0 && scenario_.max_unknown <= 1))
        return reader_.ErrorAt(*share, "'max-unknown' must be from 0 to 1, not " + share->text,
                               "0.05 is 5 %");
    }
    return Done{};
  }

  Status ReadModes() {
    static const auto& isolations = *new std::vector<std::string>{"fork", "process"};
    static const auto& input_modes = *new std::vector<std::string>{"fixed", "per-trial"};
    if (const YamlNode* isolation = Find("isolation")) {
      TRIREME_ASSIGN_OR_RETURN(const std::string word,
                               reader_.OneOf(*isolation, "'isolation'", isolations));
      scenario_.isolated_process = word == "process";
    }
    if (const YamlNode* inputs = Find("inputs")) {
      TRIREME_ASSIGN_OR_RETURN(const std::string word,
                               reader_.OneOf(*inputs, "'inputs'", input_modes));
      scenario_.inputs_per_trial = word == "per-trial";
    }
    scenario_.exclusive = !scenario_.command.empty();
    if (const YamlNode* exclusive = Find("exclusive")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.exclusive, reader_.Boolean(*exclusive, "'exclusive'"));
    }
    return Done{};
  }

  Status ReadRequirements() {
    const YamlNode* node = Find("requires");
    if (node == nullptr) return Done{};
    TRIREME_ASSIGN_OR_RETURN(scenario_.requirements, reader_.Texts(*node, "'requires'"));
    for (const YamlNode& item : node->items) {
      if (!Contains(vocabulary_.capabilities, item.text))
        return reader_.ErrorAt(item,
                               UnknownWord("capability", item.text, vocabulary_.capabilities, {}));
    }
    return Done{};
  }

  Status ReadFaults() {
    const YamlNode* node = Find("faults");
    if (node == nullptr) return Done{};
    TRIREME_ASSIGN_OR_RETURN(scenario_.faults, trireme::ReadFaults(reader_, *node, vocabulary_));
    return Done{};
  }

  Status ReadJudgement() {
    scenario_.checks = DefaultChecks(vocabulary_);
    if (const YamlNode* checks = Find("checks")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.checks, ReadChecks(reader_, *checks, vocabulary_));
    }
    if (const YamlNode* compare = Find("compare")) TRIREME_RETURN_IF_ERROR(ReadCompare(*compare));
    if (const YamlNode* expect = Find("expect")) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.expectations,
                               ReadExpectations(reader_, *expect, scenario_.runtimes, vocabulary_));
    }
    return Done{};
  }

  Status ReadCompare(const YamlNode& node) {
    TRIREME_RETURN_IF_ERROR(reader_.Mapping(node, "'compare'"));
    for (size_t i = 0; i < node.keys.size(); ++i) {
      TRIREME_ASSIGN_OR_RETURN(scenario_.compare[node.keys[i].text],
                               ReadRule(node.keys[i], node.items[i]));
    }
    return Done{};
  }

  Result<Json> ReadRule(const YamlNode& key, const YamlNode& node) const {
    static const auto& known_keys = *new std::vector<std::string>{"tolerance"};
    const std::string what = "'" + key.text + "'";
    if (key.text == kWireKey) {
      TRIREME_ASSIGN_OR_RETURN(const std::string rule, reader_.OneOf(node, what, WireRules()));
      return Json(rule);
    }
    if (node.kind != Kind::kMapping) {
      TRIREME_ASSIGN_OR_RETURN(const std::string rule, reader_.OneOf(node, what, CompareRules()));
      return Json(rule);
    }
    TRIREME_RETURN_IF_ERROR(reader_.Keys(node, what, known_keys));
    const YamlNode* tolerance = node.Find("tolerance");
    if (tolerance == nullptr) return reader_.ErrorAt(key, what + " needs 'tolerance'");
    TRIREME_ASSIGN_OR_RETURN(const double share, reader_.Number(*tolerance, "'tolerance'"));
    if (share < 0) return reader_.ErrorAt(*tolerance, "'tolerance' must not be negative");
    return Json({{"tolerance", share}});
  }

  const YamlNode& root_;
  FieldReader reader_;
  const Vocabulary& vocabulary_;
  Scenario& scenario_;
};

}  // namespace

const std::vector<std::string>& ScenarioKeys() {
  static const auto& keys = *new std::vector<std::string>{
      "version",   "summary", "description", "tags",      "references", "workload",
      "params",    "matrix",  "runtimes",    "reference", "trials",     "timeout",
      "isolation", "inputs",  "exclusive",   "requires",  "faults",     "checks",
      "compare",   "expect",  "max-unknown", "memory"};
  return keys;
}

const std::vector<std::string>& CompareRules() {
  static const auto& rules =
      *new std::vector<std::string>{"exact", "multiset", "sequence", "set", "ignore"};
  return rules;
}

const std::vector<std::string>& WireRules() {
  static const auto& rules = *new std::vector<std::string>{"exact", "lines", "http"};
  return rules;
}

bool IsParamName(const std::string& name) {
  if (name.empty() || !(std::isalpha(static_cast<unsigned char>(name[0])) != 0 || name[0] == '_'))
    return false;
  return name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
         std::string::npos;
}

Result<Scenario> ParseScenario(const std::string& text, const std::string& path,
                               const std::string& name, const Vocabulary& vocabulary) {
  TRIREME_ASSIGN_OR_RETURN(const YamlDocument document, YamlDocument::Parse(text, path));
  Scenario scenario;
  scenario.name = name;
  scenario.argument = name;
  scenario.file = path;
  scenario.directory = RealPath(DirName(path));
  TRIREME_RETURN_IF_ERROR(ScenarioParser(document, vocabulary, scenario).Parse());
  return scenario;
}

}  // namespace trireme
