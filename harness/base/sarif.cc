#include "harness/base/sarif.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr const char* kSarifSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

// Valid UTF-8 whose control characters are gone, but for line ends and tabs: viewers print it.
std::string Printable(const std::string& text) {
  std::string out;
  for (const char c : ToValidUtf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7f) || c == '\n' || c == '\t') out += c;
  }
  return out;
}

Json Message(const std::string& text) { return {{"text", Printable(text)}}; }

Json RegionToJson(const SarifRegion& region) {
  Json json = {{"startLine", region.line}};
  if (region.column > 0) json["startColumn"] = region.column;
  if (region.end_line > 0) json["endLine"] = region.end_line;
  if (region.end_column > 0) json["endColumn"] = region.end_column;
  return json;
}

Json LocationToJson(const SarifLocation& location) {
  Json json = Json::object();
  if (!location.file.empty()) {
    Json place;
    place["artifactLocation"] = {{"uri", UriOf(location.file)}};
    if (!location.base.empty()) place["artifactLocation"]["uriBaseId"] = location.base;
    if (location.region.line > 0) place["region"] = RegionToJson(location.region);
    json["physicalLocation"] = std::move(place);
  }
  if (!location.function.empty())
    json["logicalLocations"] = Json::array(
        {{{"fullyQualifiedName", Printable(location.function)}, {"kind", "function"}}});
  if (!location.description.empty()) json["message"] = Message(location.description);
  return json;
}

Json LocationsToJson(const std::vector<SarifLocation>& locations) {
  Json json = Json::array();
  for (const SarifLocation& location : locations) json.push_back(LocationToJson(location));
  return json;
}

// Numbered, so that a message may refer to each.
Json RelatedToJson(const std::vector<SarifLocation>& locations) {
  Json json = Json::array();
  for (const SarifLocation& location : locations) {
    Json related = {{"id", json.size() + 1}};
    related.update(LocationToJson(location));
    json.push_back(std::move(related));
  }
  return json;
}

Json StackToJson(const SarifStack& stack) {
  Json json = Json::object();
  if (!stack.description.empty()) json["message"] = Message(stack.description);
  json["frames"] = Json::array();
  for (const SarifLocation& frame : stack.frames)
    json["frames"].push_back({{"location", LocationToJson(frame)}});
  return json;
}

Json RuleToJson(const SarifRule& rule) {
  Json json = {{"id", Printable(rule.id)}};
  if (!rule.summary.empty()) json["shortDescription"] = Message(rule.summary);
  if (!rule.description.empty()) json["fullDescription"] = Message(rule.description);
  if (!rule.help.empty()) json["help"] = Message(rule.help);
  json["defaultConfiguration"] = {{"level", rule.level}};
  return json;
}

// Where the rule stands in the log; past its end: nowhere.
size_t IndexOfRule(const SarifLog& log, const std::string& id) {
  const auto found = std::find_if(log.rules.begin(), log.rules.end(),
                                  [&](const SarifRule& rule) { return rule.id == id; });
  return static_cast<size_t>(found - log.rules.begin());
}

Json ResultToJson(const SarifLog& log, const SarifResult& result) {
  Json json = {{"ruleId", Printable(result.rule)}};
  if (const size_t index = IndexOfRule(log, result.rule); index < log.rules.size())
    json["ruleIndex"] = index;
  json["level"] = result.level;
  json["message"] = Message(result.message);
  json["locations"] = LocationsToJson(result.locations);
  if (!result.related.empty()) json["relatedLocations"] = RelatedToJson(result.related);
  for (const SarifStack& stack : result.stacks) json["stacks"].push_back(StackToJson(stack));
  if (!result.fingerprint.empty())
    json["partialFingerprints"] = {{result.fingerprint_name, Printable(result.fingerprint)}};
  if (result.occurrences > 0) json["occurrenceCount"] = result.occurrences;
  for (const std::string& reason : result.suppressed)
    json["suppressions"].push_back({{"kind", "external"}, {"justification", Printable(reason)}});
  if (!result.properties.empty()) json["properties"] = result.properties;
  return json;
}

Json InvocationToJson(const SarifLog& log) {
  Json notifications = Json::array();
  for (const SarifNotification& each : log.notifications) {
    Json notification = {{"level", each.level}, {"message", Message(each.message)}};
    if (!each.locations.empty()) notification["locations"] = LocationsToJson(each.locations);
    notifications.push_back(std::move(notification));
  }
  Json invocation = {{"executionSuccessful", log.successful}};
  invocation["toolExecutionNotifications"] = std::move(notifications);
  return Json::array({std::move(invocation)});
}

}  // namespace

std::string UriOf(const std::string& path) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) ||
        (c != '\0' && std::string_view("-._~/").find(c) != std::string_view::npos)) {
      uri += c;
    } else {
      uri += '%';
      uri += kDigits[byte >> 4];
      uri += kDigits[byte & 15];
    }
  }
  return uri;
}

std::string ToSarif(const SarifLog& log) {
  Json driver = {{"name", "trireme"}};
  if (!log.version.empty()) driver["version"] = Printable(log.version);
  driver["rules"] = Json::array();
  for (const SarifRule& rule : log.rules) driver["rules"].push_back(RuleToJson(rule));
  Json run;
  run["tool"] = {{"driver", std::move(driver)}};
  run["invocations"] = InvocationToJson(log);
  if (!log.root.empty())
    run["originalUriBaseIds"] = {
        {log.root_base, {{"uri", UriOf(log.root + (log.root.ends_with('/') ? "" : "/"))}}}};
  run["columnKind"] = "unicodeCodePoints";
  run["results"] = Json::array();
  for (const SarifResult& result : log.results) run["results"].push_back(ResultToJson(log, result));
  Json document = {{"$schema", kSarifSchema}, {"version", "2.1.0"}};
  document["runs"] = Json::array({std::move(run)});
  return DumpJson(document, 2) + "\n";
}

}  // namespace trireme
