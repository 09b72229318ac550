#include "harness/check/results.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace trireme {
namespace {

constexpr std::array<CellState, 4> kStates = {CellState::kPass, CellState::kFail,
                                              CellState::kUnknown, CellState::kUnsupported};

// Whether the cell did something other than what was expected, as far as that could be decided.
bool IsSurprise(const CellResult& cell) {
  return !cell.expected && cell.state != CellState::kUnknown;
}

Json ParticipantToJson(const Participant& participant) {
  return {{"task", participant.task}, {"thread", participant.thread}, {"stack", participant.stack}};
}

Json CellFindingToJson(const CellFinding& found) {
  Json json = FindingToJson(found.finding);
  json["count"] = found.count;
  json["first_trial"] = found.first_trial;
  return json;
}

Json CellFindingsToJson(const std::vector<CellFinding>& findings) {
  Json all = Json::array();
  for (const CellFinding& found : findings) all.push_back(CellFindingToJson(found));
  return all;
}

Json CellSuppressionsToJson(const std::vector<CellSuppression>& suppressed) {
  Json all = Json::array();
  for (const CellSuppression& one : suppressed)
    all.push_back({{"place", one.place},
                   {"trials", one.count},
                   {"findings", CellFindingsToJson(one.findings)}});
  return all;
}

Json CellToJson(const CellResult& cell) {
  return {{"scenario", cell.scenario},
          {"summary", cell.summary},
          {"directory", cell.directory},
          {"runtime", cell.runtime},
          {"model", cell.model},
          {"interpreter", cell.interpreter},
          {"params", cell.params},
          {"faults", cell.faults},
          {"id", cell.id},
          {"arm", cell.arm},
          {"role", cell.role},
          {"reference", cell.reference},
          {"trial_index", "trials.jsonl"},
          {"environment", cell.environment},
          {"comparison", cell.comparison},
          {"keys_compared", cell.keys_compared},
          {"refusal", cell.refusal ? Json({{"verdict", CellStateName(cell.refusal->state)},
                                           {"reason", cell.refusal->reason}})
                                   : Json()},
          {"verdict", CellStateName(cell.state)},
          {"expected", cell.expected},
          {"expectation", cell.expectation},
          {"reason", cell.reason},
          {"outcomes", cell.outcomes},
          {"trials",
           {{"planned", cell.trials.planned},
            {"executed", cell.trials.executed},
            {"pass", cell.trials.pass},
            {"fail", cell.trials.fail},
            {"unknown", cell.trials.unknown}}},
          {"seconds", cell.seconds ? Json(*cell.seconds) : Json()},
          {"findings", CellFindingsToJson(cell.findings)},
          {"suppressed", CellSuppressionsToJson(cell.suppressed)},
          {"metrics", cell.metrics},
          {"notes", cell.notes},
          {"replay", cell.replay},
          {"faults_applied", cell.faults_applied},
          {"fault_log", cell.fault_log},
          {"under_faults", cell.under_faults},
          {"wire", cell.wire}};
}

Json TotalsToJson(const RunTotals& totals) {
  return {{"cells",
           {{"planned", totals.cells_planned},
            {"executed", totals.cells_executed},
            {"pass", totals.pass},
            {"fail", totals.fail},
            {"unknown", totals.unknown},
            {"unsupported", totals.unsupported},
            {"unexpected", totals.unexpected}}},
          {"trials", {{"planned", totals.trials_planned}, {"executed", totals.trials_executed}}}};
}

Json ObjectOr(const Json& object, const char* key) {
  const Json& member = GetMember(object, key);
  return member.is_object() ? member : Json::object();
}

Json ObjectOrNull(const Json& object, const char* key) {
  const Json& member = GetMember(object, key);
  return member.is_object() ? member : Json();
}

Json ArrayOr(const Json& object, const char* key) {
  const Json& member = GetMember(object, key);
  return member.is_array() ? member : Json::array();
}

// A damaged file may say any number; what no run can count to is not counted, so that sums fit.
int64_t PossibleCount(const Json& json) {
  constexpr int64_t kMost = 10'000'000'000;  // of the schema
  if (!json.is_number_integer() || json < 0 || json > kMost) return 0;
  return json.get<int64_t>();
}

CellFinding CellFindingFromJson(const Json& json) {
  return {.finding = FindingFromJson(json),
          .count = PossibleCount(GetMember(json, "count")),
          .first_trial = PossibleCount(GetMember(json, "first_trial"))};
}

std::vector<CellFinding> CellFindingsFrom(const Json& json) {
  std::vector<CellFinding> all;
  const Json findings = ArrayOr(json, "findings");
  for (const Json& finding : findings) all.push_back(CellFindingFromJson(finding));
  return all;
}

// Nothing for a word that is no verdict.
std::optional<CellState> StateFrom(const std::string& name) {
  for (const CellState state : kStates) {
    if (CellStateName(state) == name) return state;
  }
  return std::nullopt;
}

int64_t CountFrom(const Json& json, const char* key) { return PossibleCount(GetMember(json, key)); }

std::optional<double> SecondsFrom(const Json& json) {
  const double seconds = GetDouble(json, "seconds", -1);
  return seconds < 0 ? std::nullopt : std::optional(seconds);
}

TrialCounts TrialCountsFrom(const Json& json) {
  return {.planned = CountFrom(json, "planned"),
          .executed = CountFrom(json, "executed"),
          .pass = CountFrom(json, "pass"),
          .fail = CountFrom(json, "fail"),
          .unknown = CountFrom(json, "unknown")};
}

CellResult CellFromJson(const Json& json) {
  CellResult cell;
  cell.id = GetString(json, "id");
  cell.scenario = GetString(json, "scenario");
  cell.summary = GetString(json, "summary");
  cell.directory = GetString(json, "directory");
  cell.runtime = GetString(json, "runtime");
  cell.model = GetString(json, "model");
  cell.interpreter = GetString(json, "interpreter");
  cell.params = ObjectOr(json, "params");
  cell.faults = ArrayOr(json, "faults");
  cell.arm = GetMember(json, "arm").is_string() ? GetMember(json, "arm") : Json();
  cell.role = GetString(json, "role", "subject");
  cell.reference = GetString(json, "reference");
  cell.environment = ObjectOr(json, "environment");
  cell.comparison = ArrayOr(json, "comparison");
  cell.keys_compared = CountFrom(json, "keys_compared");
  const Json& refusal = GetMember(json, "refusal");
  if (const std::optional<CellState> state = StateFrom(GetString(refusal, "verdict")))
    cell.refusal = {.state = *state, .reason = GetString(refusal, "reason")};
  cell.expected = GetBool(json, "expected");
  cell.expectation = GetString(json, "expectation");
  cell.reason = GetString(json, "reason");
  const Json outcomes = ObjectOr(json, "outcomes");
  for (const auto& [name, count] : outcomes.items()) {
    if (const int64_t possible = PossibleCount(count); possible > 0) cell.outcomes[name] = possible;
  }
  cell.trials = TrialCountsFrom(GetMember(json, "trials"));
  cell.seconds = SecondsFrom(json);
  cell.findings = CellFindingsFrom(json);
  const Json suppressed = ArrayOr(json, "suppressed");
  for (const Json& one : suppressed)
    cell.suppressed.push_back(
        {.place = GetString(one, "place"),
         .count = PossibleCount(GetMember(one, "trials")),
         .findings = CellFindingsFrom(one)});
  cell.metrics = ObjectOr(json, "metrics");
  cell.notes = TextsOf(GetMember(json, "notes"));
  cell.replay = GetString(json, "replay");
  cell.faults_applied = ObjectOrNull(json, "faults_applied");
  cell.fault_log = ObjectOrNull(json, "fault_log");
  cell.under_faults = ObjectOrNull(json, "under_faults");
  cell.wire = ObjectOrNull(json, "wire");
  if (const std::optional<CellState> state = StateFrom(GetString(json, "verdict"))) {
    cell.state = *state;
  } else {
    cell.state = CellState::kUnknown;
    cell.expected = false;
    cell.reason = "its verdict is missing in the results";
  }
  return cell;
}

}  // namespace

std::string_view CellStateName(CellState state) {
  switch (state) {
    case CellState::kPass:
      return "pass";
    case CellState::kFail:
      return "fail";
    case CellState::kUnknown:
      return "unknown";
    case CellState::kUnsupported:
      return "unsupported";
  }
  return "unknown";
}

Json FindingToJson(const Finding& finding) {
  Json participants = Json::array();
  for (const Participant& participant : finding.participants)
    participants.push_back(ParticipantToJson(participant));
  return {{"check", finding.check},         {"kind", finding.kind},
          {"signature", finding.signature}, {"message", finding.message},
          {"advisory", finding.advisory},   {"participants", std::move(participants)},
          {"evidence", finding.evidence}};
}

Json SuppressedToJson(const std::vector<SuppressedFinding>& suppressed) {
  Json all = Json::array();
  for (const SuppressedFinding& known : suppressed) {
    all.push_back(FindingToJson(known.finding));
    all.back()["suppressed_by"] = known.place;
  }
  return all;
}

Finding FindingFromJson(const Json& json) {
  Finding finding{.check = GetString(json, "check"),
                  .kind = GetString(json, "kind"),
                  .message = GetString(json, "message"),
                  .signature = GetString(json, "signature"),
                  .advisory = GetBool(json, "advisory"),
                  .participants = {},
                  .evidence = ObjectOr(json, "evidence")};
  const Json participants = ArrayOr(json, "participants");
  for (const Json& participant : participants) {
    finding.participants.push_back({.task = GetString(participant, "task"),
                                    .thread = GetInt(participant, "thread"),
                                    .stack = TextsOf(GetMember(participant, "stack"))});
  }
  return finding;
}

RunTotals RunResults::totals() const {
  RunTotals totals;
  totals.cells_planned = static_cast<int64_t>(cells.size());
  for (const CellResult& cell : cells) {
    totals.cells_executed +=
        cell.trials.executed > 0 && cell.state != CellState::kUnsupported ? 1 : 0;
    totals.pass += cell.state == CellState::kPass ? 1 : 0;
    totals.fail += cell.state == CellState::kFail ? 1 : 0;
    totals.unknown += cell.state == CellState::kUnknown ? 1 : 0;
    totals.unsupported += cell.state == CellState::kUnsupported ? 1 : 0;
    totals.unexpected += cell.expected ? 0 : 1;
    totals.trials_planned += cell.trials.planned;
    totals.trials_executed += cell.trials.executed;
  }
  return totals;
}

void RunResults::CountSuppressed() {
  for (Suppression& one : suppressions) {
    one.count = 0;
    for (const CellResult& cell : cells)
      for (const CellSuppression& of_cell : cell.suppressed)
        if (of_cell.place == one.place) one.count += of_cell.count;
  }
}

int RunResults::exit_code() const {
  if (interrupted) return 130;
  if (infrastructure_failed) return 3;
  bool unknown = false;
  bool measured = false;
  for (const CellResult& cell : cells) {
    if (IsSurprise(cell)) return 1;
    unknown |= cell.state == CellState::kUnknown;
    measured |= cell.state == CellState::kPass || cell.state == CellState::kFail;
  }
  return unknown || !measured ? 4 : 0;
}

Verdict RunResults::verdict() const {
  const int code = exit_code();
  if (code == 0) return Verdict::kPass;
  return code == 1 ? Verdict::kFail : Verdict::kUnknown;
}

Json RunResults::ToJson() const {
  Json all = Json::array();
  for (const CellResult& cell : cells) all.push_back(CellToJson(cell));
  return {{"schema", "trireme.results/1"},
          {"run", run},
          {"verdict", VerdictName(verdict())},
          {"exit_code", exit_code()},
          {"interrupted", interrupted},
          {"infrastructure", infrastructure_failed ? Json(infrastructure_reason) : Json()},
          {"totals", TotalsToJson(totals())},
          {"notes", notes},
          {"suppressions", SuppressionsToJson(suppressions)},
          {"cells", std::move(all)}};
}

Result<RunResults> RunResults::FromJson(const Json& json) {
  if (!json.is_object()) return UsageError("the results are no JSON object");
  const std::string schema = GetString(json, "schema");
  if (!schema.starts_with("trireme.results/")) {
    return UsageError("no results of a run: the member \"schema\" is not trireme.results/1");
  }
  if (schema != "trireme.results/1") {
    return UsageError("results of schema " + schema + ", this version reads trireme.results/1");
  }
  RunResults results;
  results.run = ObjectOr(json, "run");
  results.notes = TextsOf(GetMember(json, "notes"));
  results.suppressions = SuppressionsFromJson(GetMember(json, "suppressions"));
  results.interrupted = GetBool(json, "interrupted") || GetInt(json, "exit_code") == 130;
  const Json& infrastructure = GetMember(json, "infrastructure");
  results.infrastructure_failed = infrastructure.is_string() || GetInt(json, "exit_code") == 3;
  if (infrastructure.is_string()) results.infrastructure_reason = infrastructure.get<std::string>();
  const Json& cells = GetMember(json, "cells");
  if (!cells.is_array()) {
    results.notes.emplace_back("the results name no cells");
    return results;
  }
  int64_t damaged = 0;
  for (const Json& cell : cells) {
    damaged += cell.is_object() && StateFrom(GetString(cell, "verdict")) ? 0 : 1;
    results.cells.push_back(CellFromJson(cell));
  }
  if (damaged > 0) {
    results.notes.push_back(std::to_string(damaged) + (damaged == 1 ? " cell has" : " cells have") +
                            " no verdict in the results: unknown");
  }
  return results;
}

}  // namespace trireme
