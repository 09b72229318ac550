#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "harness/scenario/plan.h"

namespace trireme {
namespace {

constexpr const char* kSchema = "trireme.plan/1";

Json ExpectationToJson(const Expectation& expectation) {
  return {
      {"key", expectation.key},
      {"verdicts", expectation.verdicts},
      {"finding", expectation.finding},
      {"findings", expectation.exact_findings ? Json(expectation.findings) : Json()},
      {"outcome", expectation.outcome},
      {"rate", expectation.has_rate ? Json({expectation.rate_low, expectation.rate_high}) : Json()},
      {"rate_level", Expectation::kRateLevel}};
}

Expectation ExpectationFromJson(const Json& json) {
  Expectation expectation = {.key = GetString(json, "key", "default"),
                             .finding = GetString(json, "finding"),
                             .outcome = GetString(json, "outcome")};
  if (auto verdicts = TextsOf(GetMember(json, "verdicts")); !verdicts.empty())
    expectation.verdicts = std::move(verdicts);
  expectation.exact_findings = GetMember(json, "findings").is_array();
  expectation.findings = TextsOf(GetMember(json, "findings"));
  const Json& rate = GetMember(json, "rate");
  expectation.has_rate =
      rate.is_array() && rate.size() == 2 && rate[0].is_number() && rate[1].is_number();
  if (!expectation.has_rate) return expectation;
  expectation.rate_low = rate[0].get<double>();
  expectation.rate_high = rate[1].get<double>();
  return expectation;
}

Json ChecksToJson(const std::vector<CheckChoice>& checks) {
  Json json = Json::array();
  for (const CheckChoice& check : checks)
    json.push_back(
        {{"name", check.name}, {"arguments", check.arguments}, {"by_default", check.by_default}});
  return json;
}

std::vector<CheckChoice> ChecksFromJson(const Json& json) {
  std::vector<CheckChoice> checks;
  if (!json.is_array()) return checks;
  for (const Json& item : json) {
    CheckChoice check = {.name = GetString(item, "name"),
                         .by_default = GetBool(item, "by_default")};
    if (const Json& arguments = GetMember(item, "arguments"); arguments.is_object())
      check.arguments = arguments;
    if (!check.name.empty()) checks.push_back(std::move(check));
  }
  return checks;
}

Json CellToJson(const PlannedCell& cell) {
  return {{"id", cell.id},
          {"scenario", cell.scenario},
          {"summary", cell.summary},
          {"directory", cell.directory},
          {"runtime", cell.runtime},
          {"model", cell.model},
          {"language", cell.language},
          {"interpreter", cell.interpreter},
          {"interpreter_path", cell.interpreter_path},
          {"params", cell.params},
          {"faults", cell.faults},
          {"sweep", cell.sweep},
          {"fault_plan", cell.fault_plan},
          {"arm", cell.arm},
          {"role", cell.role},
          {"reference", cell.reference},
          {"reference_name", cell.reference_name},
          {"workload", cell.workload},
          {"command", cell.command},
          {"lines", cell.lines},
          {"trials", cell.trials},
          {"trials_of_plan", cell.trials_of_plan},
          {"timeout_ns", cell.timeout},
          {"isolation", cell.isolated_process ? "process" : "fork"},
          {"inputs", cell.inputs_per_trial ? "per-trial" : "fixed"},
          {"exclusive", cell.exclusive},
          {"memory", cell.memory},
          {"checks", ChecksToJson(cell.checks)},
          {"compare", cell.compare},
          {"expect", ExpectationToJson(cell.expectation)},
          {"max_unknown", cell.max_unknown},
          {"unsupported", cell.unsupported},
          {"replay", cell.replay}};
}

std::vector<int64_t> TrialsFromJson(const Json& json) {
  std::vector<int64_t> trials;
  if (!json.is_array()) return trials;
  for (const Json& item : json)
    if (item.is_number_integer() && item.get<int64_t>() >= 0) trials.push_back(item.get<int64_t>());
  return trials;
}

Json ObjectFrom(const Json& json, const char* key) {
  const Json& member = GetMember(json, key);
  return member.is_object() ? member : Json::object();
}

PlannedCell CellFromJson(const Json& json) {
  PlannedCell cell = {
      .id = GetString(json, "id"),
      .scenario = GetString(json, "scenario"),
      .summary = GetString(json, "summary"),
      .directory = GetString(json, "directory"),
      .runtime = GetString(json, "runtime"),
      .model = GetString(json, "model"),
      .language = GetString(json, "language"),
      .interpreter = GetString(json, "interpreter"),
      .interpreter_path = GetString(json, "interpreter_path"),
      .params = ObjectFrom(json, "params"),
      .faults = GetMember(json, "faults").is_array() ? GetMember(json, "faults") : Json::array(),
      .sweep = GetMember(json, "sweep"),
      .fault_plan = GetMember(json, "fault_plan"),
      .arm = GetMember(json, "arm"),
      .role = GetString(json, "role", "subject"),
      .reference = GetString(json, "reference"),
      .reference_name = GetString(json, "reference_name"),
      .workload = GetString(json, "workload"),
      .command = TextsOf(GetMember(json, "command")),
      .lines = TextsOf(GetMember(json, "lines")),
      .trials = TrialsFromJson(GetMember(json, "trials")),
      .timeout = GetInt(json, "timeout_ns"),
      .isolated_process = GetString(json, "isolation") == "process",
      .inputs_per_trial = GetString(json, "inputs") == "per-trial",
      .exclusive = GetBool(json, "exclusive"),
      .memory = GetInt(json, "memory"),
      .checks = ChecksFromJson(GetMember(json, "checks")),
      .compare = ObjectFrom(json, "compare"),
      .expectation = ExpectationFromJson(GetMember(json, "expect")),
      .max_unknown = GetDouble(json, "max_unknown", 0.05),
      .unsupported = GetString(json, "unsupported"),
      .replay = GetString(json, "replay")};
  cell.trials_of_plan = GetInt(json, "trials_of_plan", static_cast<int64_t>(cell.trials.size()));
  return cell;
}

}  // namespace

Json Plan::ToJson() const {
  Json json = {{"schema", kSchema}, {"seed", FormatHex(seed)},      {"profile", profile},
               {"notes", notes},    {"suppressions", suppressions}, {"cells", Json::array()}};
  for (const PlannedCell& cell : cells) json["cells"].push_back(CellToJson(cell));
  return json;
}

Result<Plan> Plan::FromJson(const Json& json) {
  const std::string schema = GetString(json, "schema");
  if (schema.empty()) return UsageError("this is no plan: it names no schema");
  if (schema != kSchema)
    return UsageError("unknown schema '" + schema + "'",
                      std::string("this trireme reads ") + kSchema);
  const std::optional<uint64_t> seed = ParseUnsigned(GetString(json, "seed"));
  const Json& cells = GetMember(json, "cells");
  if (!seed || !cells.is_array()) return UsageError("this plan has no seed or no cells");
  Plan plan;
  plan.seed = *seed;
  plan.profile = GetString(json, "profile");
  plan.notes = TextsOf(GetMember(json, "notes"));
  if (const Json& known = GetMember(json, "suppressions"); known.is_array())
    plan.suppressions = known;
  for (const Json& cell : cells) {
    plan.cells.push_back(CellFromJson(cell));
    if (plan.cells.back().id.empty()) return UsageError("a cell of this plan has no id");
  }
  return plan;
}

}  // namespace trireme
