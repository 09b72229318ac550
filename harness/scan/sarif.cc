#include "harness/scan/sarif.h"

#include <cctype>

#include "harness/base/json.h"

namespace trireme {
namespace {

constexpr const char* kSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

Json Text(std::string_view text) { return {{"text", std::string(text)}}; }

Json RuleOf(const HackKind& kind) {
  Json rule = {{"id", std::string(kind.name)}};
  rule["shortDescription"] = Text(kind.summary);
  rule["fullDescription"] = Text(std::string(kind.summary) + ": this " + std::string(kind.risk));
  rule["help"] = Text("trireme run " + std::string(kind.scenario) + " shows it");
  rule["defaultConfiguration"] = {{"level", std::string(kind.level)}};
  return rule;
}

Json Rules() {
  Json rules = Json::array();
  for (const HackKind& kind : HackKinds()) rules.push_back(RuleOf(kind));
  return rules;
}

Json Location(const std::string& file, Json region) {
  Json place;
  place["artifactLocation"] = {{"uri", UriOf(file)}};
  place["region"] = std::move(region);
  Json location;
  location["physicalLocation"] = std::move(place);
  return Json::array({std::move(location)});
}

Json ResultOf(const Hack& hack) {
  Json result = {{"ruleId", std::string(hack.kind->name)},
                 {"ruleIndex", hack.kind - HackKinds().data()},
                 {"level", std::string(hack.kind->level)}};
  result["message"] = Text(hack.Message());
  result["locations"] = Location(hack.file, {{"startLine", hack.line},
                                             {"startColumn", hack.column},
                                             {"endLine", hack.end_line},
                                             {"endColumn", hack.end_column}});
  result["properties"] = {{"symbol", hack.symbol}, {"scenario", std::string(hack.kind->scenario)}};
  return result;
}

Json InvocationOf(const HackScan& scan) {
  Json notifications = Json::array();
  for (const Unscanned& each : scan.unscanned) {
    Json notification = {{"level", "error"}};
    notification["message"] = Text("not scanned: " + each.reason);
    notification["locations"] =
        Location(each.file, {{"startLine", each.line}, {"startColumn", each.column}});
    notifications.push_back(std::move(notification));
  }
  Json invocation = {{"executionSuccessful", scan.unscanned.empty()}};
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

std::string HacksAsSarif(const HackScan& scan, const std::string& version) {
  Json driver = {{"name", "trireme"}, {"version", version}};
  driver["rules"] = Rules();
  Json run;
  run["tool"] = {{"driver", std::move(driver)}};
  run["invocations"] = InvocationOf(scan);
  run["columnKind"] = "unicodeCodePoints";
  run["results"] = Json::array();
  for (const Hack& hack : scan.findings) run["results"].push_back(ResultOf(hack));
  Json document = {{"$schema", kSchema}, {"version", "2.1.0"}};
  document["runs"] = Json::array({std::move(run)});
  return DumpJson(document, 2) + "\n";
}

}  // namespace trireme
