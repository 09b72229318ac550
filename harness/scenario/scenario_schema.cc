#include "harness/scenario/scenario.h"
#include "harness/scenario/scenario_keys.h"
#include "harness/scenario/words.h"

namespace trireme {
namespace {

// What YAML's plain scalars may be where a duration or a size stands.
constexpr const char* kDuration = "^[0-9.]+(ns|us|ms|s|m|h)?$";
constexpr const char* kSize = "^[0-9.]+(B|[KMGT]iB|[KMG]B)?$";
constexpr const char* kSignedDuration = "^-?[0-9.]+(ns|us|ms|s|m|h)?$";
constexpr const char* kBandwidth = "^[0-9.]+(B|[KMGT]iB|[KMG]B)?ps$";
constexpr const char* kFaultName = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,46}$";
constexpr const char* kParamName = "^[A-Za-z_][A-Za-z0-9_.-]*$";

Json Text() { return {{"type", "string"}, {"minLength", 1}}; }

Json Described(Json schema, const char* description) {
  schema["description"] = description;
  return schema;
}

Json ListOf(Json items, int least = 0) {
  Json schema = {{"type", "array"}, {"items", std::move(items)}};
  if (least > 0) schema["minItems"] = least;
  return schema;
}

Json OneOf(const std::vector<std::string>& words) { return {{"enum", words}}; }

Json Closed(Json properties) {
  return {
      {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

Json Quantity(const char* pattern) {
  return {{"anyOf",
           {{{"type", "string"}, {"pattern", pattern}}, {{"type", "number"}, {"minimum", 0}}}}};
}

Json ArgumentSchema(const Vocabulary::Argument& argument) {
  Json schema = {{"type", argument.type}};
  if (argument.type == "text") schema = Text();
  if (argument.type == "texts") schema = ListOf(Text());
  if (argument.type == "duration") schema = Quantity(kDuration);
  if (!argument.fallback.is_null() && argument.type != "duration")
    schema["default"] = argument.fallback;
  return schema;
}

bool NeedsArguments(const Vocabulary::Check& check) {
  for (const Vocabulary::Argument& argument : check.arguments)
    if (argument.required) return true;
  return false;
}

// A name, or {name: {argument: value}}.
Json CheckSchema(const Vocabulary& vocabulary) {
  std::vector<std::string> bare;
  Json with_arguments = Json::object();
  for (const Vocabulary::Check& check : vocabulary.checks) {
    if (!NeedsArguments(check)) bare.push_back(check.name);
    Json properties = Json::object(), required = Json::array();
    for (const Vocabulary::Argument& argument : check.arguments) {
      properties[argument.name] = ArgumentSchema(argument);
      if (argument.required) required.push_back(argument.name);
    }
    with_arguments[check.name] = Closed(std::move(properties));
    if (!required.empty()) with_arguments[check.name]["required"] = std::move(required);
  }
  Json mapping = Closed(std::move(with_arguments));
  mapping["minProperties"] = 1;
  mapping["maxProperties"] = 1;
  return {{"anyOf", {OneOf(bare), std::move(mapping)}}};
}

Json ExpectationSchema(const Vocabulary& vocabulary) {
  const Json verdict = OneOf({"pass", "fail", "unsupported"});
  const Json finding = OneOf(vocabulary.finding_kinds);
  return Closed({{"verdict", {{"anyOf", {verdict, ListOf(verdict, 1)}}}},
                 {"finding", Described(finding, "at least one finding of this kind")},
                 {"findings", Described(ListOf(finding), "exactly these kinds")},
                 {"outcome", Described(Text(), "of every trial")},
                 {"rate", Described({{"type", "string"}, {"pattern", "^[0-9.]+\\.\\.[0-9.]+$"}},
                                    "share of failing trials, 0.02..1")}});
}

Json ExpectSchema(const Vocabulary& vocabulary) {
  Json schema = {{"type", "object"},
                 {"additionalProperties", {{"$ref", "#/$defs/expectation"}}},
                 {"properties", Json::object()}};
  std::vector<std::string> keys = RuntimeNames(vocabulary);
  keys.insert(keys.end(), {"green", "native", "async", "default"});
  for (const std::string& key : keys) schema["properties"][key] = {{"$ref", "#/$defs/expectation"}};
  return Described(
      schema,
      "keys are runtime/interpreter (of a C++ runtime: runtime/cpp), a glob over that, "
      "a runtime, a model, or default: the most specific stands");
}

Json WorkloadSchema() {
  const Json file = Described(Text(), "a file in the scenario's folder");
  Json files = Closed({{"python", file}, {"cpp", file}});
  files["minProperties"] = 1;
  const Json lines = Described(ListOf(Text(), 1),
                               "regular expressions: what one finds in a line of the output, or "
                               "its first group there, is compared as `line:EXPRESSION`");
  Json command = Closed({{"command", ListOf(Text(), 1)}, {"lines", lines}});
  command["required"] = Json::array({"command"});
  return {{"anyOf", {std::move(files), std::move(command)}}};
}

Json CompareSchema() {
  Json tolerance = Closed({{"tolerance", {{"type", "number"}, {"minimum", 0}}}});
  tolerance["required"] = Json::array({"tolerance"});
  return {{"type", "object"},
          {"properties",
           {{kWireKey, Described(OneOf(WireRules()),
                                 "no key: the bytes of each connection, as the probe saw them")}}},
          {"additionalProperties", {{"anyOf", {OneOf(CompareRules()), std::move(tolerance)}}}}};
}

Json FaultFieldSchema(const Vocabulary::FaultField& field) {
  Json schema = Text();
  if (field.type == "duration") schema = Quantity(kDuration);
  if (field.type == "signed-duration")
    schema = {{"anyOf", {Quantity(kSignedDuration), {{"type", "number"}}}}};
  if (field.type == "bytes") schema = Quantity(kSize);
  if (field.type == "bandwidth") schema = {{"type", "string"}, {"pattern", kBandwidth}};
  if (field.type == "count") schema = {{"type", "integer"}, {"minimum", 0}};
  if (field.type == "share") schema = {{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  if (field.type == "factor") schema = {{"type", "number"}, {"exclusiveMinimum", 0}};
  if (field.type == "boolean") schema = {{"type", "boolean"}};
  if (field.type == "texts") schema = {{"anyOf", {Text(), ListOf(Text(), 1)}}};
  return Described(std::move(schema), field.summary.c_str());
}

// name, seed and the classes: what one fault may say.
Json FaultKeys(const Vocabulary& vocabulary) {
  Json keys = {{"name", {{"type", "string"}, {"pattern", kFaultName}}},
               {"seed",
                {{"anyOf",
                  {{{"type", "integer"}, {"minimum", 0}},
                   {{"type", "string"}, {"pattern", "^0x[0-9a-fA-F]+$"}}}}}}};
  for (const Vocabulary::FaultClass& about : vocabulary.faults) {
    Json fields = Json::object();
    for (const Vocabulary::FaultField& field : about.fields)
      fields[field.name] = FaultFieldSchema(field);
    keys[about.key] = Described(Closed(std::move(fields)), about.summary.c_str());
  }
  return keys;
}

Json FaultSchema(const Vocabulary& vocabulary) { return Closed(FaultKeys(vocabulary)); }

// A name, one fault, or {name: x, all: [faults]}.
Json FaultPlanSchema(const Vocabulary& vocabulary) {
  Json keys = FaultKeys(vocabulary);
  keys["version"] = {{"const", kScenarioVersion}};
  keys["summary"] = Text();
  keys["all"] = ListOf({{"$ref", "#/$defs/fault"}}, 1);
  Json mapping = Closed(std::move(keys));
  mapping["required"] = Json::array({"name"});
  return {{"anyOf",
           {Described(Text(), "none, or a plan of 'trireme list faults'"), std::move(mapping)}}};
}

Json Properties(const Vocabulary& vocabulary) {
  const Json runtimes = OneOf(RuntimeNames(vocabulary));
  const Json names = {{"pattern", kParamName}};
  return {
      {"version", {{"const", kScenarioVersion}}},
      {"summary",
       Described({{"type", "string"}, {"minLength", 1}, {"pattern", "^[^\\n]*\\n?$"}}, "one line")},
      {"description", Described(Text(), "Markdown: why it matters, what each runtime does")},
      {"tags", ListOf(Text())},
      {"references", Described(ListOf(Text()), "the guide's section, failure-mode ids")},
      {"workload", WorkloadSchema()},
      {"params", {{"type", "object"}, {"propertyNames", names}}},
      {"matrix", Described({{"type", "object"},
                            {"propertyNames", names},
                            {"additionalProperties", ListOf(Json::object(), 1)}},
                           "added to params, the product is planned")},
      {"runtimes",
       Described(ListOf(runtimes, 1), "default: every runtime that the workloads allow")},
      {"reference", Described(Text(), "RUNTIME or RUNTIME/INTERPRETER")},
      {"trials",
       {{"type", "integer"},
        {"minimum", kTrialCount.low},
        {"maximum", kTrialCount.high},
        {"default", 1}}},
      {"timeout", Described(Quantity(kDuration), "of one trial; default 30s")},
      {"isolation", OneOf({"fork", "process"})},
      {"inputs", OneOf({"fixed", "per-trial"})},
      {"exclusive",
       {{"type", "boolean"},
        {"description", "no other trial runs beside it; default: true for a command"}}},
      {"requires", ListOf(OneOf(vocabulary.capabilities))},
      {"faults", Described(ListOf({{"$ref", "#/$defs/fault-plan"}}, 1),
                           "each is a cell of its own; default [none]")},
      {"checks", ListOf({{"$ref", "#/$defs/check"}})},
      {"compare", CompareSchema()},
      {"expect", ExpectSchema(vocabulary)},
      {"max-unknown", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}, {"default", 0.05}}},
      {"memory", Described(Quantity(kSize), "what a trial may use; default 8GiB")},
  };
}

}  // namespace

Json ScenarioSchema(const Vocabulary& vocabulary) {
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"$id", "trireme.scenario/1"},
          {"title", "scenario.yaml"},
          {"type", "object"},
          {"required", {"version", "summary", "workload"}},
          {"additionalProperties", false},
          {"properties", Properties(vocabulary)},
          {"$defs",
           {{"check", CheckSchema(vocabulary)},
            {"expectation", ExpectationSchema(vocabulary)},
            {"fault", FaultSchema(vocabulary)},
            {"fault-plan", FaultPlanSchema(vocabulary)}}}};
}

}  // namespace trireme
