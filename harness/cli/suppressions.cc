#include "harness/cli/suppressions.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/check/checker.h"
#include "harness/scenario/field_reader.h"
#include "harness/scenario/words.h"
#include "harness/scenario/yaml_document.h"

namespace trireme {
namespace {

constexpr int64_t kMostBytes = 1 << 20;

// "2027-01-31"; compared as text.
bool IsDate(const std::string& text) {
  constexpr std::string_view kForm = "dddd-dd-dd";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return false;
  }
  return true;
}

// The text of a date: YAML has no type for it, and a quoted one is as good.
Result<std::string> ReadDate(const FieldReader& reader, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar && IsDate(node.text)) return node.text;
  return reader.ErrorAt(node, "'expires' is no day", "like 2027-01-31");
}

Result<std::string> ReadKind(const FieldReader& reader, const YamlNode& node) {
  TRIREME_ASSIGN_OR_RETURN(std::string kind, reader.Text(node, "'kind'"));
  // What is judged always, and what comes from comparing cells: no frames are theirs to match.
  static const auto& never = *new std::vector<std::string>{
      "crash", "hang", "mixed-arm", "gil-enabled", "difference", "nondeterministic"};
  if (std::find(never.begin(), never.end(), kind) != never.end())
    return reader.ErrorAt(node, "'" + kind + "' cannot be suppressed", "name it under 'expect'");
  const std::vector<std::string> known = FindingKinds();
  if (std::find(known.begin(), known.end(), kind) != known.end()) return kind;
  return reader.ErrorAt(node, UnknownWord("finding kind", kind, known, {}));
}

bool HasNoEntry(const std::string& text) {
  const std::vector<std::string> lines = Split(text, '\n');
  return std::all_of(lines.begin(), lines.end(), [](const std::string& line) {
    const std::string_view content = Trim(line);
    return content.empty() || content.starts_with('#');
  });
}

}  // namespace

Status Suppressions::Add(const std::string& path, const std::string& today, bool shipped) {
  Result<std::string> text = ReadFile(path, kMostBytes);
  if (!text.ok()) return UsageError(text.error().message, text.error().hint);
  // One whose last entry is gone is still named in scripts.
  if (HasNoEntry(*text)) return Done{};
  TRIREME_ASSIGN_OR_RETURN(const YamlDocument document,
                           YamlDocument::Parse(*std::move(text), path));
  const FieldReader reader(document);
  TRIREME_RETURN_IF_ERROR(reader.List(document.root(), path));
  static const auto& keys = *new std::vector<std::string>{"kind", "frames", "reason", "expires"};
  for (const YamlNode& node : document.root().items) {
    TRIREME_RETURN_IF_ERROR(reader.Mapping(node, "a suppression"));
    TRIREME_RETURN_IF_ERROR(reader.Keys(node, "a suppression", keys));
    for (const char* needed : {"kind", "frames", "reason"})
      if (node.Find(needed) == nullptr)
        return reader.ErrorAt(node, "a suppression needs '" + std::string(needed) + "'");
    Suppression entry;
    entry.place = path + ":" + std::to_string(node.line);
    entry.shipped = shipped;
    TRIREME_ASSIGN_OR_RETURN(entry.kind, ReadKind(reader, *node.Find("kind")));
    TRIREME_ASSIGN_OR_RETURN(entry.frames, reader.Texts(*node.Find("frames"), "'frames'"));
    TRIREME_ASSIGN_OR_RETURN(entry.reason, reader.Text(*node.Find("reason"), "'reason'"));
    if (entry.frames.empty())  // it would match nothing
      return reader.ErrorAt(*node.Find("frames"), "'frames' names no frame",
                            "globs such as \"*/program.py:* in read\"");
    if (const YamlNode* expires = node.Find("expires"); expires != nullptr) {
      TRIREME_ASSIGN_OR_RETURN(entry.expires, ReadDate(reader, *expires));
      entry.expired = entry.expires <= today;
    }
    all_.push_back(std::move(entry));
  }
  return Done{};
}

bool Suppressions::Suppress(const Finding& finding, bool is_new) {
  bool matched = false;
  for (Suppression& one : all_) {
    if (!one.Matches(finding)) continue;
    one.count = is_new ? one.count + 1 : std::max<int64_t>(one.count, 1);
    matched = true;
  }
  suppressed_ += matched && is_new ? 1 : 0;
  return matched;
}

std::vector<std::string> Suppressions::Unused() const {
  std::vector<std::string> unused;
  for (const Suppression& one : all_)
    if (std::string useless = one.Useless(); !useless.empty()) unused.push_back(std::move(useless));
  return unused;
}

Result<Suppressions> ReadSuppressions(const std::vector<std::string>& files,
                                      const Locations& locations) {
  Suppressions suppressions;
  const std::string today = FormatUtc(SystemClock().WallNow()).substr(0, 10);
  const std::string shipped = JoinPath(locations.scenarios, "suppressions.yaml");
  if (FileExists(shipped)) TRIREME_RETURN_IF_ERROR(suppressions.Add(shipped, today, true));
  for (const std::string& file : files)
    TRIREME_RETURN_IF_ERROR(suppressions.Add(file, today, false));
  return suppressions;
}

}  // namespace trireme
