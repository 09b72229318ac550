#include "harness/scenario/check_option.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <vector>

#include "harness/base/strings.h"
#include "harness/scenario/words.h"

namespace trireme {
namespace {

Diagnostic OptionError(const std::string& text, const std::string& why, std::string hint = "") {
  return UsageError("option --check: '" + text + "': " + why, std::move(hint));
}

// Nothing when `text` is no value of the type.
std::optional<Json> ReadValue(const std::string& text, const std::string& type) {
  if (type == "duration") {
    const std::optional<int64_t> duration = ParseDurationNanoseconds(text);
    return duration && *duration > 0 ? std::optional<Json>(*duration) : std::nullopt;
  }
  if (type == "boolean") {
    if (text != "true" && text != "false") return std::nullopt;
    return Json(text == "true");
  }
  if (type == "number") {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(number)) return std::nullopt;
    return Json(number);
  }
  return text.empty() ? std::nullopt : std::optional<Json>(text);
}

std::string Example(const Vocabulary::Check& check) {
  std::string example = check.name;
  for (const Vocabulary::Argument& argument : check.arguments)
    example += (example == check.name ? ":" : ",") + argument.name + "=...";
  return "for example --check " + example;
}

Status AddArgument(const std::string& text, const std::string& part, const Vocabulary::Check& check,
                   Json& given) {
  const size_t equals = part.find('=');
  const std::string name = part.substr(0, equals);
  std::vector<std::string> known;
  for (const Vocabulary::Argument& argument : check.arguments) {
    known.push_back(argument.name);
    if (argument.name != name) continue;
    const std::optional<Json> value = equals == std::string::npos
                                          ? std::nullopt
                                          : ReadValue(part.substr(equals + 1), argument.type);
    if (!value)
      return OptionError(
          text, "'" + name + "' takes a " + (argument.type == "texts" ? "text" : argument.type));
    if (argument.type == "texts")
      given[name].push_back(*value);
    else if (given.contains(name))
      return OptionError(text, "'" + name + "' is given twice");
    else
      given[name] = *value;
    return Done{};
  }
  const std::string near = DidYouMean(name, known);
  return OptionError(text, "check '" + check.name + "' has no argument '" + name + "'",
                     near.empty() ? Example(check) : near);
}

}  // namespace

Result<CheckChoice> ParseCheckOption(const std::string& text, const Vocabulary& vocabulary) {
  const size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const Vocabulary::Check* check = nullptr;
  std::vector<std::string> names;
  for (const Vocabulary::Check& one : vocabulary.checks) {
    names.push_back(one.name);
    if (one.name == name) check = &one;
  }
  if (check == nullptr) {
    Diagnostic error = UnknownWord("check", name, names, vocabulary.later_checks);
    error.message = "option --check: " + error.message;
    if (error.hint.empty()) error.hint = "checks: " + Join(names, ", ");
    return error;
  }
  Json given = Json::object();
  if (colon != std::string::npos)
    for (const std::string& part : Split(text.substr(colon + 1), ','))
      TRIREME_RETURN_IF_ERROR(AddArgument(text, part, *check, given));
  CheckChoice choice = {.name = name};
  for (const Vocabulary::Argument& argument : check->arguments) {
    if (given.contains(argument.name))
      choice.arguments[argument.name] = given[argument.name];
    else if (argument.required)
      return OptionError(text, "check '" + name + "' needs '" + argument.name + "'",
                         Example(*check));
    else if (!argument.fallback.is_null())
      choice.arguments[argument.name] = argument.fallback;
  }
  return choice;
}

}  // namespace trireme
