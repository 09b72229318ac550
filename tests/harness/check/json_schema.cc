#include "tests/harness/check/json_schema.h"

#include <regex>
#include <set>

namespace trireme {
namespace {

bool HasType(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return type == "null" && value.is_null();
}

bool HasAnyType(const Json& value, const Json& types) {
  if (types.is_string()) return HasType(value, types.get<std::string>());
  for (const Json& type : types) {
    if (HasType(value, type.get<std::string>())) return true;
  }
  return false;
}

bool IsOneOf(const Json& value, const Json& values) {
  for (const Json& one : values) {
    if (one == value) return true;
  }
  return false;
}

class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  std::string Check(const Json& schema, const Json& value, const std::string& path) const {
    static const std::set<std::string> known = {
        "$schema", "$id",     "$defs",   "$ref",     "title",      "description",
        "type",    "const",   "enum",    "required", "properties", "additionalProperties",
        "items",   "minimum", "maximum", "pattern"};
    for (const auto& [keyword, argument] : schema.items()) {
      if (!known.contains(keyword)) return path + ": unknown keyword " + keyword;
    }
    if (const std::string reference = GetString(schema, "$ref"); !reference.empty()) {
      const Json& target = root_.at(Json::json_pointer(reference.substr(1)));
      if (std::string problem = Check(target, value, path); !problem.empty()) return problem;
    }
    if (schema.contains("type") && !HasAnyType(value, schema.at("type")))
      return path + ": wrong type";
    if (schema.contains("const") && value != schema.at("const")) return path + ": not the constant";
    if (schema.contains("enum") && !IsOneOf(value, schema.at("enum")))
      return path + ": not one of the values";
    if (schema.contains("minimum") && value.is_number() && value < schema.at("minimum")) {
      return path + ": below the minimum";
    }
    if (schema.contains("maximum") && value.is_number() && value > schema.at("maximum")) {
      return path + ": above the maximum";
    }
    if (schema.contains("pattern") && value.is_string() &&
        !std::regex_search(value.get<std::string>(),
                           std::regex(schema.at("pattern").get<std::string>()))) {
      return path + ": not of the pattern";
    }
    return value.is_object() ? Members(schema, value, path) : Items(schema, value, path);
  }

 private:
  std::string Members(const Json& schema, const Json& value, const std::string& path) const {
    for (const Json& name : GetMember(schema, "required")) {
      if (!value.contains(name.get<std::string>()))
        return path + ": no member " + name.get<std::string>();
    }
    for (const auto& [name, member] : value.items()) {
      const Json& own = GetMember(GetMember(schema, "properties"), name.c_str());
      const Json& other = GetMember(schema, "additionalProperties");
      const Json& of_member = own.is_object() ? own : other;
      if (!of_member.is_object()) continue;
      if (std::string problem = Check(of_member, member, path + "." + name); !problem.empty())
        return problem;
    }
    return "";
  }

  std::string Items(const Json& schema, const Json& value, const std::string& path) const {
    if (!value.is_array() || !schema.contains("items")) return "";
    for (size_t i = 0; i < value.size(); ++i) {
      std::string problem =
          Check(schema.at("items"), value[i], path + "[" + std::to_string(i) + "]");
      if (!problem.empty()) return problem;
    }
    return "";
  }

  const Json& root_;
};

}  // namespace

std::string SchemaProblem(const Json& schema, const Json& value) {
  return Validator(schema).Check(schema, value, "$");
}

}  // namespace trireme
