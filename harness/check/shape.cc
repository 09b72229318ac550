#include "harness/check/shape.h"

#include "harness/base/check.h"
#include "harness/base/strings.h"

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

std::string InWords(const std::string& type) {
  if (type == "object") return "a mapping";
  if (type == "array") return "a list";
  if (type == "string") return "text";
  if (type == "boolean") return "true or false";
  if (type == "integer") return "a whole number";
  return type == "number" ? "a number" : "null";
}

// What stands there, short enough for a line.
std::string Shown(const Json& value) {
  constexpr size_t kLongest = 40;
  if (value.is_object()) return "a mapping";
  if (value.is_array()) return "a list";
  std::string text = DumpJson(value);
  return text.size() <= kLongest ? text : ToValidUtf8(text.substr(0, kLongest)) + "...";
}

class Inspector {
 public:
  Inspector(const Json& root, size_t most) : root_(root), most_(most) {}

  void Inspect(const Json& schema, const Json& value, const std::string& path) {
    if (const std::string reference = GetString(schema, "$ref"); !reference.empty())
      Inspect(root_.at(Json::json_pointer(reference.substr(1))), value, path);
    if (!TypeFits(schema, value, path)) return;
    InspectScalar(schema, value, path);
    if (value.is_object()) InspectMembers(schema, value, path);
    const Json& items = GetMember(schema, "items");
    if (!value.is_array() || !items.is_object()) return;
    for (size_t i = 0; i < value.size(); ++i)
      Inspect(items, value[i], path + "[" + std::to_string(i) + "]");
  }

  std::vector<std::string> Finish() {
    if (left_out_ > 0) problems_.push_back("and " + std::to_string(left_out_) + " more");
    return std::move(problems_);
  }

 private:
  void Add(const std::string& path, const std::string& what) {
    if (problems_.size() >= most_)
      ++left_out_;
    else
      problems_.push_back((path.empty() ? "" : path + ": ") + what);
  }

  bool TypeFits(const Json& schema, const Json& value, const std::string& path) {
    const Json& type = GetMember(schema, "type");
    if (type.is_null()) return true;
    std::string wanted;
    for (const Json& one : type.is_array() ? type : Json::array({type})) {
      if (HasType(value, one.get<std::string>())) return true;
      wanted += (wanted.empty() ? "" : " or ") + InWords(one.get<std::string>());
    }
    Add(path, Shown(value) + " where " + wanted + " belongs");
    return false;
  }

  void InspectScalar(const Json& schema, const Json& value, const std::string& path) {
    const Json& constant = GetMember(schema, "const");
    if (!constant.is_null() && value != constant)
      Add(path, Shown(value) + " where only " + DumpJson(constant) + " is known");
    if (const Json& values = GetMember(schema, "enum"); values.is_array()) {
      std::string known;
      for (const Json& one : values) {
        if (one == value) return;
        known += (known.empty() ? "" : ", ") + DumpJson(one);
      }
      Add(path, Shown(value) + " is none of " + known);
    }
    if (!value.is_number()) return;
    const Json& least = GetMember(schema, "minimum");
    const Json& most = GetMember(schema, "maximum");
    if (least.is_number() && value < least)
      Add(path, Shown(value) + " is less than " + DumpJson(least));
    if (most.is_number() && value > most)
      Add(path, Shown(value) + " is more than " + DumpJson(most));
  }

  void InspectMembers(const Json& schema, const Json& value, const std::string& path) {
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const Json& name : GetMember(schema, "required"))
      if (!value.contains(name.get<std::string>()))
        Add(prefix + name.get<std::string>(), "missing");
    const Json& own = GetMember(schema, "properties");
    const Json& other = GetMember(schema, "additionalProperties");
    for (const auto& [name, member] : value.items()) {
      const Json& of_name = GetMember(own, name.c_str());
      const Json& of_member = of_name.is_object() ? of_name : other;
      if (of_member.is_object()) Inspect(of_member, member, prefix + ToValidUtf8(name));
    }
  }

  const Json& root_;
  size_t most_;
  size_t left_out_ = 0;
  std::vector<std::string> problems_;
};

Json Shape(const char* text) {
  Result<Json> schema = ParseJson(text, "a shape");
  TRIREME_CHECK(schema.ok());
  return *std::move(schema);
}

}  // namespace

std::vector<std::string> ShapeProblems(const Json& schema, const Json& value,
                                       const std::string& path, size_t most) {
  Inspector inspector(schema, most);
  inspector.Inspect(schema, value, path);
  return inspector.Finish();
}

Json PlanShape() {
  return Shape(R"json({
    "type": "object",
    "required": ["schema", "seed", "cells"],
    "properties": {
      "schema": {"type": "string"}, "seed": {"type": "string"}, "profile": {"type": "string"},
      "notes": {"type": "array", "items": {"type": "string"}},
      "cells": {"type": "array"}
    }
  })json");
}

Json PlannedCellShape() {
  return Shape(R"json({
    "type": "object",
    "required": ["id", "scenario", "runtime", "trials", "checks", "expect"],
    "properties": {
      "id": {"type": "string"}, "scenario": {"type": "string"}, "summary": {"type": "string"},
      "runtime": {"type": "string"}, "model": {"type": "string"}, "language": {"type": "string"},
      "interpreter": {"type": "string"}, "params": {"type": "object"}, "faults": {"type": "array"},
      "fault_plan": {"type": ["object", "null"]},
      "arm": {"type": ["string", "null"]}, "role": {"enum": ["subject", "reference"]},
      "reference": {"type": "string"}, "reference_name": {"type": "string"},
      "command": {"type": "array", "items": {"type": "string"}},
      "trials": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 1000000000}},
      "trials_of_plan": {"type": "integer", "minimum": 0, "maximum": 1000000000},
      "inputs": {"enum": ["fixed", "per-trial"]},
      "checks": {
        "type": "array",
        "items": {
          "type": "object",
          "required": ["name"],
          "properties": {"name": {"type": "string"}, "arguments": {"type": "object"},
                         "by_default": {"type": "boolean"}}
        }
      },
      "compare": {"type": "object"},
      "expect": {
        "type": "object",
        "properties": {
          "verdicts": {"type": "array", "items": {"enum": ["pass", "fail", "unknown", "unsupported"]}},
          "finding": {"type": "string"},
          "findings": {"type": ["array", "null"], "items": {"type": "string"}},
          "outcome": {"type": "string"},
          "rate": {"type": ["array", "null"], "items": {"type": "number", "minimum": 0, "maximum": 1}}
        }
      },
      "max_unknown": {"type": "number", "minimum": 0, "maximum": 1},
      "unsupported": {"type": "string"}, "replay": {"type": "string"}
    }
  })json");
}

Json TrialLineShape() {
  return Shape(R"json({
    "type": "object",
    "required": ["id", "cell", "trial", "verdict"],
    "properties": {
      "id": {"type": "string"}, "cell": {"type": "string"},
      "trial": {"type": "integer", "minimum": 0, "maximum": 1000000000}, "seed": {"type": "string"},
      "attempt": {"type": "string"}, "retry": {"type": "boolean"},
      "verdict": {"enum": ["pass", "fail", "unknown", "unsupported"]},
      "seconds": {"type": "number", "minimum": 0}
    }
  })json");
}

Json TrialVerdictShape() {
  return Shape(R"json({
    "type": "object",
    "properties": {"attempt": {"type": "string"}, "seconds": {"type": "number", "minimum": 0}}
  })json");
}

}  // namespace trireme
