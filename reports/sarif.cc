// SARIF 2.1.0: a rule for each kind of finding, a result for each finding of a cell. What a cell could not decide is a
// notification, since it is about no place in the code.

#include "harness/base/sarif.h"

#include <algorithm>
#include <utility>

#include "harness/check/finding_kinds.h"
#include "reports/finding_places.h"
#include "reports/report.h"
#include "reports/words.h"

namespace trireme {
namespace {

constexpr const char* kAnonymousKind = "unspecified";  // of a damaged results.json

std::string RuleIdOf(const Finding& finding) {
  return finding.kind.empty() ? kAnonymousKind : OneLine(finding.kind);
}

std::vector<SarifRule> RulesOfKinds() {
  std::vector<SarifRule> rules;
  for (const FindingKind& kind : ExplainedFindingKinds())
    rules.push_back({.id = std::string(kind.name),
                     .summary = std::string(kind.summary()),
                     .description = std::string(kind.text),
                     .help = std::string(kind.text),
                     .level = kind.advisory ? "note" : "error"});
  return rules;
}

// A later version may have written the results.
void AddRuleIfMissing(SarifLog& log, const std::string& id) {
  if (std::none_of(log.rules.begin(), log.rules.end(),
                   [&](const SarifRule& rule) { return rule.id == id; }))
    log.rules.push_back({.id = id, .level = "error"});
}

std::string CellInWords(const CellResult& cell) {
  return OneLine(cell.scenario) + " on " + OneLine(ColumnName(cell));
}

Json PropertiesOf(const CellResult& cell, const Finding& finding) {
  Json properties = {{"scenario", OneLine(cell.scenario)},
                     {"runtime", OneLine(cell.runtime)},
                     {"interpreter", OneLine(cell.interpreter)},
                     {"expected", cell.expected}};
  if (!cell.replay.empty()) properties["replay"] = ReplayLine(cell);
  if (const std::string cure = GetString(finding.evidence, "cure"); !cure.empty())
    properties["cure"] = OneLine(cure, 2000);
  Json tasks = Json::array();
  for (const Participant& participant : finding.participants)
    tasks.push_back(OneLine(NameOf(participant)));
  properties["participants"] = std::move(tasks);
  return properties;
}

void AddPlaces(const FindingPlaces& places, const Finding& finding, SarifResult& result) {
  const std::vector<ParticipantPlace> found = places.Of(finding);
  // Of those of whom the most is known, the first.
  const auto main = std::min_element(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.precision > b.precision;
  });
  for (auto place = found.begin(); place != found.end(); ++place)
    (place == main ? result.locations : result.related).push_back(place->location);
  for (const Participant& participant : finding.participants)
    if (!participant.stack.empty()) result.stacks.push_back(places.StackOf(participant));
}

// `reason` why it was left alone, nullptr for one that was not.
void AddResult(SarifLog& log, const FindingPlaces& places, const CellResult& cell,
               const CellFinding& found, const std::string* reason) {
  SarifResult result;
  result.rule = RuleIdOf(found.finding);
  AddRuleIfMissing(log, result.rule);
  result.level = found.finding.advisory || reason != nullptr ? "note" : "error";
  result.message = OneLine(found.finding.message, 2000);
  AddPlaces(places, found.finding, result);
  result.fingerprint_name = "triremeSignature/v1";
  result.fingerprint = OneLine(found.finding.signature);
  result.occurrences = found.count;
  if (reason != nullptr) result.suppressed.push_back(*reason);
  result.properties = PropertiesOf(cell, found.finding);
  log.results.push_back(std::move(result));
}

// "known.yaml:2: REASON"
std::string WhySuppressed(const RunResults& results, const std::string& place) {
  for (const Suppression& one : results.suppressions)
    if (one.place == place) return OneLine(place + ": " + one.reason, 2000);
  return OneLine(place);
}

void AddFindings(SarifLog& log, const RunResults& results, const CellResult& cell) {
  static const std::string kExpected = "the scenario expects it";
  const FindingPlaces places(GetString(results.run, "working_directory"), cell.directory);
  for (const CellFinding& found : cell.findings)
    AddResult(log, places, cell, found,
              cell.expected && !found.finding.advisory ? &kExpected : nullptr);
  for (const CellSuppression& known : cell.suppressed) {
    const std::string reason = WhySuppressed(results, known.place);
    for (const CellFinding& found : known.findings) AddResult(log, places, cell, found, &reason);
  }
}

// What no result tells: that it could not be decided, or did other than expected without a finding.
void AddNotification(SarifLog& log, const CellResult& cell) {
  const bool found = std::any_of(cell.findings.begin(), cell.findings.end(),
                                 [](const CellFinding& one) { return !one.finding.advisory; });
  if (cell.state == CellState::kUnsupported)
    log.notifications.push_back(
        {.level = "note", .message = CellInWords(cell) + ": " + StateInWords(cell)});
  else if (cell.state == CellState::kUnknown)
    log.notifications.push_back(
        {.level = "warning", .message = CellInWords(cell) + ": " + StateInWords(cell)});
  else if (!cell.expected && !found)
    log.notifications.push_back(
        {.level = "error", .message = CellInWords(cell) + ": " + StateInWords(cell)});
}

void AddRunNotifications(SarifLog& log, const RunResults& results) {
  log.successful = !results.interrupted && !results.infrastructure_failed;
  if (results.interrupted)
    log.notifications.push_back({.level = "error", .message = "the run was interrupted"});
  if (results.infrastructure_failed)
    log.notifications.push_back(
        {.level = "error", .message = OneLine(results.infrastructure_reason, 2000)});
  for (const std::string& note : results.notes)
    log.notifications.push_back({.level = "note", .message = OneLine(note, kLongestNote)});
}

}  // namespace

std::string SarifReport(const RunResults& results, const ReportStyle&) {
  SarifLog log;
  log.version = OneLine(GetString(results.run, "version"));
  log.rules = RulesOfKinds();
  log.root_base = kWorkingDirectoryBase;
  log.root = FindingPlaces(GetString(results.run, "working_directory"), "").root();
  AddRunNotifications(log, results);
  for (const CellResult& cell : results.cells) {
    AddFindings(log, results, cell);
    AddNotification(log, cell);
  }
  return ToSarif(log);
}

}  // namespace trireme
