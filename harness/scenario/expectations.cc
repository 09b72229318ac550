#include "harness/scenario/expectations.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "harness/base/strings.h"
#include "harness/scenario/words.h"

namespace trireme {
namespace {

const std::vector<std::string>& Models() {
  static const auto& models = *new std::vector<std::string>{"green", "native", "async"};
  return models;
}

bool IsGlob(const std::string& key) { return key.find_first_of("*?[") != std::string::npos; }

// What stands for the interpreter of a runtime that has none: that of every C++ cell.
constexpr std::string_view kNoInterpreter = "cpp";

// Whether `key`, a glob over runtime/interpreter, may match some interpreter of `runtime`: those of
// Python are not known yet, so a part that only they decide counts as a match.
bool MayMatch(const std::string& key, const Vocabulary::Runtime& info) {
  const std::string& runtime = info.name;
  if (GlobMatches(key, runtime)) return true;
  if (info.language != "python")
    return GlobMatches(key, runtime + "/" + std::string(kNoInterpreter));
  const size_t slash = key.rfind('/');
  if (slash != std::string::npos) return GlobMatches(key.substr(0, slash), runtime);
  const std::string fixed = key.substr(0, key.find_first_of("*?["));
  const std::string target = runtime + "/";
  return target.starts_with(fixed) ? key.find('*') != std::string::npos : fixed.starts_with(target);
}

bool NamesRuntime(const std::string& key, const Vocabulary& vocabulary) {
  return FindRuntime(vocabulary, key.substr(0, key.find('/'))) != nullptr;
}

Status CheckInterpreter(const FieldReader& reader, const YamlNode& key,
                        const Vocabulary::Runtime& runtime) {
  const std::string interpreter = key.text.substr(runtime.name.size() + 1);
  if (runtime.language != "python" && interpreter != kNoInterpreter)
    return reader.ErrorAt(
        key, "runtime '" + runtime.name + "' has no interpreter",
        "write " + runtime.name + ", or " + runtime.name + "/" + std::string(kNoInterpreter));
  if (interpreter.empty()) return reader.ErrorAt(key, "no interpreter after '/'");
  return Done{};
}

Status CheckKey(const FieldReader& reader, const YamlNode& key,
                const std::vector<std::string>& runtimes, const Vocabulary& vocabulary) {
  const std::string& text = key.text;
  const auto no_match = [&] {
    return reader.ErrorAt(key, "'" + text + "' matches no runtime of this scenario",
                          "it allows " + Join(runtimes, ", "));
  };
  if (text == "default") return Done{};
  if (IsGlob(text)) {
    const auto may_match = [&](const std::string& runtime) {
      return MayMatch(text, *FindRuntime(vocabulary, runtime));
    };
    if (std::any_of(runtimes.begin(), runtimes.end(), may_match)) return Done{};
    return no_match();
  }
  if (Contains(Models(), text)) {
    for (const std::string& runtime : runtimes)
      if (FindRuntime(vocabulary, runtime)->model == text) return Done{};
    return no_match();
  }
  const std::string runtime = text.substr(0, text.find('/'));
  const bool has_interpreter = text != runtime;
  if (Contains(runtimes, runtime) && has_interpreter)
    return CheckInterpreter(reader, key, *FindRuntime(vocabulary, runtime));
  if (Contains(runtimes, runtime)) return Done{};
  if (NamesRuntime(text, vocabulary)) return no_match();
  std::vector<std::string> known = RuntimeNames(vocabulary);
  known.insert(known.end(), Models().begin(), Models().end());
  known.emplace_back("default");
  return reader.ErrorAt(key, UnknownWord("runtime", runtime, known, vocabulary.later_runtimes));
}

Result<std::vector<std::string>> ReadVerdicts(const FieldReader& reader, const YamlNode& node) {
  static const auto& known_words = *new std::vector<std::string>{"pass", "fail", "unsupported"};
  std::vector<YamlNode> items = {node};
  if (node.kind == YamlNode::Kind::kSequence) {
    TRIREME_RETURN_IF_ERROR(reader.List(node, "'verdict'"));
    items = node.items;
  }
  std::vector<std::string> verdicts;
  for (const YamlNode& item : items) {
    if (item.text == "unknown")
      return reader.ErrorAt(item, "unknown is never expected",
                            "say what the cell does when it is decided: pass, fail or both");
    TRIREME_ASSIGN_OR_RETURN(const std::string verdict,
                             reader.OneOf(item, "'verdict'", known_words));
    if (Contains(verdicts, verdict))
      return reader.ErrorAt(item, "'" + verdict + "' is listed twice");
    verdicts.push_back(verdict);
  }
  return verdicts;
}

Result<std::string> ReadFinding(const FieldReader& reader, const YamlNode& node,
                                const Vocabulary& vocabulary) {
  TRIREME_ASSIGN_OR_RETURN(const std::string kind, reader.Text(node, "a finding"));
  if (Contains(vocabulary.finding_kinds, kind)) return kind;
  return reader.ErrorAt(node, UnknownWord("finding", kind, vocabulary.finding_kinds, {}));
}

std::optional<double> ParseShare(std::string_view text) {
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(share >= 0 && share <= 1)) return std::nullopt;
  return share;
}

Status ReadRate(const FieldReader& reader, const YamlNode& node, Expectation& expectation) {
  const std::string& text = node.text;
  const size_t dots = text.find("..");
  std::optional<double> low, high;
  if (node.kind == YamlNode::Kind::kScalar && dots != std::string::npos) {
    low = ParseShare(std::string_view(text).substr(0, dots));
    high = ParseShare(std::string_view(text).substr(dots + 2));
  }
  if (!low || !high || *low > *high)
    return reader.ErrorAt(node,
                          "'rate' must be a range within 0..1, not " +
                              (text.empty() ? DescribeKind(node) : "'" + text + "'"),
                          "write the least and the greatest share of failing trials: 0.02..1");
  expectation.has_rate = true;
  expectation.rate_low = *low;
  expectation.rate_high = *high;
  return Done{};
}

Status ReadFindings(const FieldReader& reader, const YamlNode& node, const Vocabulary& vocabulary,
                    Expectation& expectation) {
  if (node.kind != YamlNode::Kind::kSequence)
    return reader.ErrorAt(node, "'findings' must be a list, not " + DescribeKind(node));
  expectation.exact_findings = true;
  for (const YamlNode& item : node.items) {
    TRIREME_ASSIGN_OR_RETURN(std::string kind, ReadFinding(reader, item, vocabulary));
    expectation.findings.push_back(std::move(kind));
  }
  return Done{};
}

Result<Expectation> ReadExpectation(const FieldReader& reader, const YamlNode& key,
                                    const YamlNode& node, const Vocabulary& vocabulary) {
  static const auto& known_keys =
      *new std::vector<std::string>{"verdict", "finding", "findings", "outcome", "rate"};
  TRIREME_RETURN_IF_ERROR(reader.Keys(node, "'" + key.text + "'", known_keys));
  Expectation expectation = {.key = key.text};
  if (const YamlNode* verdict = node.Find("verdict")) {
    TRIREME_ASSIGN_OR_RETURN(expectation.verdicts, ReadVerdicts(reader, *verdict));
  }
  if (const YamlNode* finding = node.Find("finding")) {
    TRIREME_ASSIGN_OR_RETURN(expectation.finding, ReadFinding(reader, *finding, vocabulary));
  }
  if (const YamlNode* findings = node.Find("findings"))
    TRIREME_RETURN_IF_ERROR(ReadFindings(reader, *findings, vocabulary, expectation));
  if (const YamlNode* outcome = node.Find("outcome")) {
    TRIREME_ASSIGN_OR_RETURN(expectation.outcome, reader.Text(*outcome, "'outcome'"));
  }
  if (const YamlNode* rate = node.Find("rate")) {
    if (!Contains(expectation.verdicts, "fail"))
      return reader.ErrorAt(*rate, "'rate' is the share of failing trials", "add verdict: fail");
    TRIREME_RETURN_IF_ERROR(ReadRate(reader, *rate, expectation));
  }
  return expectation;
}

// 5 for the exact cell to 1 for the default; 0 when `key` does not match.
int Specificity(const std::string& key, const Vocabulary::Runtime& runtime,
                const std::string& interpreter) {
  const bool hosted = runtime.language == "python";
  const std::string cell =
      runtime.name + "/" + (hosted ? interpreter : std::string(kNoInterpreter));
  if (key == cell) return 5;
  if (key == runtime.name) return 3;
  if (IsGlob(key) && (GlobMatches(key, cell) || (!hosted && GlobMatches(key, runtime.name))))
    return 4;
  if (key == runtime.model) return 2;
  return key == "default" ? 1 : 0;
}

// The literal characters of a glob: of two that match, the one that says more stands.
size_t Literals(const std::string& key) {
  return static_cast<size_t>(std::count_if(key.begin(), key.end(), [](char c) {
    return std::string_view("*?[]").find(c) == std::string_view::npos;
  }));
}

}  // namespace

Result<std::vector<Expectation>> ReadExpectations(const FieldReader& reader, const YamlNode& node,
                                                  const std::vector<std::string>& runtimes,
                                                  const Vocabulary& vocabulary) {
  TRIREME_RETURN_IF_ERROR(reader.Mapping(node, "'expect'"));
  std::vector<Expectation> expectations;
  for (size_t i = 0; i < node.keys.size(); ++i) {
    TRIREME_RETURN_IF_ERROR(CheckKey(reader, node.keys[i], runtimes, vocabulary));
    TRIREME_ASSIGN_OR_RETURN(Expectation expectation,
                             ReadExpectation(reader, node.keys[i], node.items[i], vocabulary));
    expectations.push_back(std::move(expectation));
  }
  return expectations;
}

Expectation ExpectationFor(const Scenario& scenario, const Vocabulary::Runtime& runtime,
                           const std::string& interpreter) {
  const Expectation* best = nullptr;
  std::pair<int, size_t> best_rank = {0, 0};
  for (const Expectation& expectation : scenario.expectations) {
    const int specificity = Specificity(expectation.key, runtime, interpreter);
    const std::pair<int, size_t> rank = {specificity,
                                         specificity == 4 ? Literals(expectation.key) : 0};
    if (rank <= best_rank) continue;
    best = &expectation;
    best_rank = rank;
  }
  return best == nullptr ? Expectation{} : *best;
}

}  // namespace trireme
