#include <cmath>

#include "harness/base/strings.h"
#include "harness/fault/class_table.h"
#include "harness/fault/fault.h"
#include "harness/fault/system_call.h"

namespace trireme {
namespace {

bool IsNatural(const Json& value) {
  if (value.is_number_unsigned()) return value.get<uint64_t>() <= uint64_t{INT64_MAX};
  return value.is_number_integer() && value.get<int64_t>() >= 0;
}

bool AreTexts(const Json& value) {
  if (value.is_string()) return true;
  if (!value.is_array()) return false;
  for (const Json& item : value)
    if (!item.is_string()) return false;
  return !value.empty();
}

bool HasType(const Json& value, const std::string& type) {
  if (type == "signed-duration") return value.is_number_integer();
  if (type == "duration" || type == "bytes" || type == "bandwidth" || type == "count")
    return IsNatural(value);
  if (type == "boolean") return value.is_boolean();
  if (type == "text") return value.is_string();
  if (type == "texts") return AreTexts(value);
  if (!value.is_number() || !std::isfinite(value.get<double>())) return false;
  const auto number = value.get<double>();
  return type == "share" ? number >= 0 && number <= 1 : number > 0;
}

Status CheckMembers(const Fault& fault, const Json& members, const FaultClass& about) {
  if (!members.is_object()) return FaultError(fault, "'" + about.key + "' must be a mapping");
  std::vector<std::string> known;
  for (const FaultField& field : about.fields) known.push_back(field.name);
  for (const auto& [name, value] : members.items()) {
    const FaultField* found = nullptr;
    for (const FaultField& field : about.fields)
      if (field.name == name) found = &field;
    if (found == nullptr)
      return FaultError(fault, "unknown key '" + name + "' of '" + about.key + "'",
                        DidYouMean(name, known));
    if (!HasType(value, found->type))
      return FaultError(fault, "'" + name + "' is no " + found->type + ": " + DumpJson(value));
  }
  return Done{};
}

Status ReadClassOf(const Json& json, Fault& fault) {
  std::vector<std::string> known = {"name", "seed", "at"};
  for (const FaultClassEntry& entry : FaultClassTable()) known.push_back(entry.describe().key);
  for (const auto& [key, value] : json.items()) {
    if (key == "name" || key == "seed" || key == "at") continue;
    const FaultClassEntry* entry = FindFaultClass(key);
    if (entry == nullptr)
      return FaultError(fault, "unknown key '" + key + "'", DidYouMean(key, known));
    if (!fault.key.empty())
      return FaultError(fault, "it is of two classes, '" + fault.key + "' and '" + key + "'");
    TRIREME_RETURN_IF_ERROR(CheckMembers(fault, value, entry->describe()));
    fault.key = key;
    fault.members = value;
  }
  if (fault.key.empty()) return FaultError(fault, "it does nothing: it is of no class");
  return Done{};
}

Result<Fault> FaultFromJson(const Json& json) {
  Fault fault;
  fault.name = GetString(json, "name");
  if (fault.name.empty()) return UsageError("a fault without a name");
  if (fault.name.size() >= sizeof(trireme_fault_rule::name))
    return FaultError(fault, "its name is longer than " +
                                 std::to_string(sizeof(trireme_fault_rule::name) - 1) + " bytes");
  if (json.contains("seed")) {
    fault.seed = ParseUnsigned(GetString(json, "seed"));
    if (!fault.seed) return FaultError(fault, "its seed is no number: " + DumpJson(json["seed"]));
  }
  TRIREME_RETURN_IF_ERROR(ReadClassOf(json, fault));
  if (!json.contains("at")) return fault;
  TRIREME_RETURN_IF_ERROR(CheckMembers(fault, json["at"], SystemCallPlaceClass()));
  fault.at = json["at"];
  return fault;
}

}  // namespace

Json FaultPlan::ToJson() const {
  Json all = Json::array();
  for (const Fault& fault : faults) {
    Json json = {{"name", fault.name}};
    if (fault.seed) json["seed"] = FormatHex(*fault.seed);
    if (!fault.at.empty()) json["at"] = fault.at;
    json[fault.key] = fault.members;
    all.push_back(std::move(json));
  }
  return {{"name", name}, {"summary", summary}, {"all", std::move(all)}};
}

Result<FaultPlan> FaultPlan::FromJson(const Json& json) {
  const Json& all = GetMember(json, "all");
  FaultPlan plan = {.name = GetString(json, "name"), .summary = GetString(json, "summary")};
  if (plan.name.empty() || !all.is_array()) return UsageError("this is no plan of faults");
  for (const Json& item : all) {
    TRIREME_ASSIGN_OR_RETURN(Fault fault, FaultFromJson(item));
    plan.faults.push_back(std::move(fault));
  }
  return plan;
}

}  // namespace trireme
