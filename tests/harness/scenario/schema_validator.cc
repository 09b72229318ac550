#include "tests/harness/scenario/schema_validator.h"

#include <functional>
#include <map>
#include <regex>
#include <string_view>

namespace trireme::testing {
namespace {

class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  std::string Check(const Json& schema, const Json& value, const std::string& at) const {
    for (const auto& [keyword, argument] : schema.items()) {
      const auto rule = Rules().find(keyword);
      if (rule == Rules().end()) return at + ": the validator does not know '" + keyword + "'";
      if (std::string why = rule->second(*this, schema, argument, value, at); !why.empty())
        return why;
    }
    return "";
  }

 private:
  using Rule = std::function<std::string(const Validator&, const Json& schema, const Json& argument,
                                         const Json& value, const std::string& at)>;

  static std::string Unless(bool holds, const std::string& at, const std::string& keyword) {
    return holds ? "" : at + ": " + keyword;
  }

  static bool HasType(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    return type == "number" && value.is_number();
  }

  std::string Reference(const Json& name, const Json& value, const std::string& at) const {
    return Check(root_.at(Json::json_pointer(name.get<std::string>().substr(1))), value, at);
  }

  std::string Any(const Json& schemas, const Json& value, const std::string& at) const {
    std::string reasons;
    for (const Json& schema : schemas) {
      const std::string why = Check(schema, value, at);
      if (why.empty()) return "";
      reasons += (reasons.empty() ? "" : ", nor ") + why;
    }
    return reasons;
  }

  std::string Items(const Json& schema, const Json& value, const std::string& at) const {
    std::string why;
    for (size_t i = 0; value.is_array() && i < value.size() && why.empty(); ++i)
      why = Check(schema, value[i], at + "/" + std::to_string(i));
    return why;
  }

  std::string Members(const Json& schema, const Json& value, const std::string& at) const {
    const Json none = Json::object();
    const Json& known = schema.contains("properties") ? schema.at("properties") : none;
    std::string why;
    for (auto member = value.begin(); value.is_object() && member != value.end() && why.empty();
         ++member) {
      const std::string place = at + "/" + member.key();
      if (known.contains(member.key()))
        why = Check(known.at(member.key()), member.value(), place);
      else if (schema.contains("additionalProperties"))
        why = Additional(schema.at("additionalProperties"), member.value(), place);
    }
    return why;
  }

  std::string Additional(const Json& schema, const Json& value, const std::string& at) const {
    if (schema.is_boolean()) return Unless(schema.get<bool>(), at, "additionalProperties");
    return Check(schema, value, at);
  }

  static std::string Names(const Json& schema, const Json& value, const std::string& at,
                           const Validator& self) {
    std::string why;
    for (auto member = value.begin(); value.is_object() && member != value.end() && why.empty();
         ++member)
      why = self.Check(schema, member.key(), at + "/" + member.key());
    return why;
  }

  static bool HasAll(const Json& names, const Json& value) {
    for (const Json& name : names)
      if (value.is_object() && !value.contains(name.get<std::string>())) return false;
    return true;
  }

  static bool Matches(const Json& pattern, const Json& value) {
    if (!value.is_string()) return true;
    return std::regex_search(value.get<std::string>(), std::regex(pattern.get<std::string>()));
  }

  static const std::map<std::string, Rule>& Rules();

  const Json& root_;
};

#define RULE(expression)                                                                 \
  [](const Validator& self, const Json& schema, const Json& argument, const Json& value, \
     const std::string& at) -> std::string {                                             \
    (void)self, (void)schema, (void)argument, (void)value, (void)at;                     \
    return expression;                                                                   \
  }

const std::map<std::string, Validator::Rule>& Validator::Rules() {
  static const auto& rules = *new std::map<std::string, Rule>{
      {"$schema", RULE("")},
      {"$id", RULE("")},
      {"$defs", RULE("")},
      {"title", RULE("")},
      {"description", RULE("")},
      {"default", RULE("")},
      {"$ref", RULE(self.Reference(argument, value, at))},
      {"anyOf", RULE(self.Any(argument, value, at))},
      {"type", RULE(Unless(HasType(value, argument.get<std::string>()), at, "type"))},
      {"const", RULE(Unless(value == argument, at, "const"))},
      {"enum", RULE(Unless(std::find(argument.begin(), argument.end(), value) != argument.end(), at,
                           "enum"))},
      {"required", RULE(Unless(HasAll(argument, value), at, "required"))},
      {"properties", RULE(self.Members(schema, value, at))},
      {"additionalProperties",
       RULE(schema.contains("properties") ? "" : self.Members(schema, value, at))},
      {"propertyNames", RULE(Names(argument, value, at, self))},
      {"items", RULE(self.Items(argument, value, at))},
      {"pattern", RULE(Unless(Matches(argument, value), at, "pattern"))},
      {"minLength", RULE(Unless(!value.is_string() || value.get<std::string>().size() >= argument,
                                at, "minLength"))},
      {"minItems", RULE(Unless(!value.is_array() || value.size() >= argument, at, "minItems"))},
      {"minProperties",
       RULE(Unless(!value.is_object() || value.size() >= argument, at, "minProperties"))},
      {"maxProperties",
       RULE(Unless(!value.is_object() || value.size() <= argument, at, "maxProperties"))},
      {"minimum", RULE(Unless(!value.is_number() || value >= argument, at, "minimum"))},
      {"exclusiveMinimum",
       RULE(Unless(!value.is_number() || value > argument, at, "exclusiveMinimum"))},
      {"maximum", RULE(Unless(!value.is_number() || value <= argument, at, "maximum"))},
  };
  return rules;
}

#undef RULE

}  // namespace

std::string WhyInvalid(const Json& schema, const Json& value) {
  return Validator(schema).Check(schema, value, "");
}

}  // namespace trireme::testing
