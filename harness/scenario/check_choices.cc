#include "harness/scenario/check_choices.h"

#include <algorithm>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/scenario/scenario_keys.h"
#include "harness/scenario/words.h"

namespace trireme {
namespace {

constexpr Range kArgumentDuration = {1'000, kTrialTimeout.high};

Result<Json> ReadArgument(const FieldReader& reader, const YamlNode& node, const std::string& what,
                          const std::string& type) {
  if (type == "text") {
    TRIREME_ASSIGN_OR_RETURN(const std::string text, reader.Text(node, what));
    return Json(text);
  }
  if (type == "texts") {
    TRIREME_ASSIGN_OR_RETURN(const std::vector<std::string> texts, reader.Texts(node, what));
    return Json(texts);
  }
  if (type == "duration") {
    TRIREME_ASSIGN_OR_RETURN(const int64_t duration,
                             reader.Duration(node, what, kArgumentDuration));
    return Json(duration);
  }
  if (type == "boolean") {
    TRIREME_ASSIGN_OR_RETURN(const bool boolean, reader.Boolean(node, what));
    return Json(boolean);
  }
  TRIREME_CHECK(type == "number");
  TRIREME_ASSIGN_OR_RETURN(const double number, reader.Number(node, what));
  return Json(number);
}

CheckChoice WithDefaults(const Vocabulary::Check& check) {
  CheckChoice choice = {.name = check.name};
  for (const Vocabulary::Argument& argument : check.arguments)
    if (!argument.fallback.is_null()) choice.arguments[argument.name] = argument.fallback;
  return choice;
}

Result<const Vocabulary::Check*> FindCheck(const FieldReader& reader, const YamlNode& name,
                                           const Vocabulary& vocabulary) {
  TRIREME_ASSIGN_OR_RETURN(const std::string text, reader.Text(name, "a check"));
  std::vector<std::string> names;
  for (const Vocabulary::Check& check : vocabulary.checks) {
    if (check.name == text) return &check;
    names.push_back(check.name);
  }
  return reader.ErrorAt(name, UnknownWord("check", text, names, vocabulary.later_checks));
}

Result<CheckChoice> ReadWithArguments(const FieldReader& reader, const YamlNode& name,
                                      const YamlNode& arguments, const Vocabulary& vocabulary) {
  TRIREME_ASSIGN_OR_RETURN(const Vocabulary::Check* check, FindCheck(reader, name, vocabulary));
  std::vector<std::string> known;
  for (const Vocabulary::Argument& argument : check->arguments) known.push_back(argument.name);
  const std::string what = "check '" + check->name + "'";
  TRIREME_RETURN_IF_ERROR(reader.Keys(arguments, what, known, "argument"));
  CheckChoice choice = WithDefaults(*check);
  for (const Vocabulary::Argument& argument : check->arguments) {
    const YamlNode* node = arguments.Find(argument.name);
    if (node == nullptr && argument.required)
      return reader.ErrorAt(name, what + " needs '" + argument.name + "'");
    if (node == nullptr) continue;
    TRIREME_ASSIGN_OR_RETURN(choice.arguments[argument.name],
                             ReadArgument(reader, *node, "'" + argument.name + "'", argument.type));
  }
  return choice;
}

Result<CheckChoice> ReadCheck(const FieldReader& reader, const YamlNode& node,
                              const Vocabulary& vocabulary) {
  if (node.kind == YamlNode::Kind::kMapping) {
    if (node.keys.size() != 1)
      return reader.ErrorAt(node, "a check with arguments is one key",
                            "write {overlap: {ops: [sell]}}");
    return ReadWithArguments(reader, node.keys[0], node.items[0], vocabulary);
  }
  YamlNode none = node;
  none.kind = YamlNode::Kind::kMapping;
  return ReadWithArguments(reader, node, none, vocabulary);
}

// Whether its arguments say what it is about, and not only how strict it is.
bool IsAboutSomething(const std::string& name, const Vocabulary& vocabulary) {
  for (const Vocabulary::Check& check : vocabulary.checks) {
    if (check.name != name) continue;
    return std::any_of(check.arguments.begin(), check.arguments.end(),
                       [](const Vocabulary::Argument& argument) {
                         return argument.required || argument.type == "text";
                       });
  }
  return false;
}

}  // namespace

Status CheckRepeats(const std::vector<CheckChoice>& others, const CheckChoice& choice,
                    const Vocabulary& vocabulary) {
  const bool several = IsAboutSomething(choice.name, vocabulary);
  const std::string twice = "check '" + choice.name + "' is given twice";
  for (const CheckChoice& other : others) {
    if (other.name != choice.name) continue;
    if (CanonicalJson(other.arguments) == CanonicalJson(choice.arguments))
      return UsageError(twice, several ? "leave one out, or give them different arguments"
                                       : "leave one out");
    if (!several)
      return UsageError(twice + ", with different arguments",
                        "give it once, with the arguments that it is to have");
  }
  return Done{};
}

Result<std::vector<CheckChoice>> ReadChecks(const FieldReader& reader, const YamlNode& node,
                                            const Vocabulary& vocabulary) {
  if (node.kind != YamlNode::Kind::kSequence)
    return reader.ErrorAt(node, "'checks' must be a list, not " + DescribeKind(node));
  std::vector<CheckChoice> choices;
  for (const YamlNode& item : node.items) {
    TRIREME_ASSIGN_OR_RETURN(CheckChoice choice, ReadCheck(reader, item, vocabulary));
    if (const Status fits = CheckRepeats(choices, choice, vocabulary); !fits.ok())
      return reader.ErrorAt(item.kind == YamlNode::Kind::kMapping ? item.keys[0] : item,
                            fits.error());
    choices.push_back(std::move(choice));
  }
  return choices;
}

std::vector<CheckChoice> DefaultChecks(const Vocabulary& vocabulary) {
  std::vector<CheckChoice> choices;
  for (const Vocabulary::Check& check : vocabulary.checks)
    if (check.by_default) {
      choices.push_back(WithDefaults(check));
      choices.back().by_default = true;
    }
  return choices;
}

}  // namespace trireme
