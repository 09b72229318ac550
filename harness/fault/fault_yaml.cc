#include "harness/fault/fault_yaml.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "harness/base/strings.h"
#include "harness/fault/class_table.h"
#include "harness/fault/system_call.h"

namespace trireme {
namespace {

// Plain where it is a mere word that YAML takes for nothing else; JSON's quotes are YAML's, too.
std::string YamlText(const std::string& text) {
  static constexpr std::array<std::string_view, 10> kNoText = {"true", "false", "null", "yes", "no",
                                                               "on",   "off",   "y",    "n",   ""};
  const bool is_word = text.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "_") == std::string::npos;
  if (is_word && std::find(kNoText.begin(), kNoText.end(), text) == kNoText.end()) return text;
  return DumpJson(text);
}

// In the largest unit that divides it: 90s, not 1.5m.
std::string YamlDuration(int64_t nanoseconds) {
  struct Unit {
    int64_t size;
    const char* name;
  };
  static constexpr std::array<Unit, 5> kUnits = {{{3'600'000'000'000, "h"},
                                                  {60'000'000'000, "m"},
                                                  {1'000'000'000, "s"},
                                                  {1'000'000, "ms"},
                                                  {1'000, "us"}}};
  if (nanoseconds == 0) return "0s";
  for (const Unit& unit : kUnits)
    if (nanoseconds % unit.size == 0) return std::to_string(nanoseconds / unit.size) + unit.name;
  return std::to_string(nanoseconds) + "ns";
}

std::string YamlValue(const Json& value, const std::string& type) {
  if (type == "duration" || type == "signed-duration") return YamlDuration(value.get<int64_t>());
  if (type == "bandwidth") return DumpJson(value) + "Bps";
  if (value.is_string()) return YamlText(value.get<std::string>());
  if (!value.is_array()) return DumpJson(value);
  std::vector<std::string> texts;
  for (const std::string& text : TextsOf(value)) texts.push_back(YamlText(text));
  return "[" + Join(texts, ", ") + "]";
}

// {call: [recv], offset: 256}, in the order of `trireme list faults`.
std::string YamlMembers(const Json& members, const FaultClass& about) {
  std::vector<std::string> parts;
  for (const FaultField& field : about.fields)
    if (members.contains(field.name))
      parts.push_back(field.name + ": " + YamlValue(members.at(field.name), field.type));
  return "{" + Join(parts, ", ") + "}";
}

}  // namespace

std::string FaultPlanToYaml(const FaultPlan& plan) {
  std::string out = "version: 1\nname: " + DumpJson(plan.name) +
                    "\nsummary: " + DumpJson(plan.summary) + "\nall:\n";
  for (const Fault& fault : plan.faults) {
    out += "  - name: " + DumpJson(fault.name) + "\n";
    if (fault.seed) out += "    seed: " + FormatHex(*fault.seed) + "\n";
    if (!fault.at.empty()) out += "    at: " + YamlMembers(fault.at, SystemCallPlaceClass()) + "\n";
    if (const FaultClassEntry* entry = FindFaultClass(fault.key))
      out += "    " + fault.key + ": " + YamlMembers(fault.members, entry->describe()) + "\n";
  }
  return out;
}

}  // namespace trireme
