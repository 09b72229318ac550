#include "harness/scan/sarif.h"

#include "harness/base/sarif.h"

namespace trireme {
namespace {

SarifRule RuleOf(const HackKind& kind) {
  return {.id = std::string(kind.name),
          .summary = std::string(kind.summary),
          .description = std::string(kind.summary) + ": this " + std::string(kind.risk),
          .help = "trireme run " + std::string(kind.scenario) + " shows it",
          .level = std::string(kind.level)};
}

SarifResult ResultOf(const Hack& hack) {
  SarifResult result;
  result.rule = std::string(hack.kind->name);
  result.level = std::string(hack.kind->level);
  result.message = hack.Message();
  const SarifRegion region = {.line = hack.line,
                              .column = hack.column,
                              .end_line = hack.end_line,
                              .end_column = hack.end_column};
  result.locations = {
      {.file = hack.file, .base = "", .region = region, .function = "", .description = ""}};
  result.properties = {{"symbol", hack.symbol}, {"scenario", std::string(hack.kind->scenario)}};
  return result;
}

SarifNotification NotificationOf(const Unscanned& unscanned) {
  SarifLocation location;
  location.file = unscanned.file;
  location.region.line = unscanned.line;
  location.region.column = unscanned.column;
  return {.level = "error",
          .message = "not scanned: " + unscanned.reason,
          .locations = {std::move(location)}};
}

}  // namespace

std::string HacksAsSarif(const HackScan& scan, const std::string& version) {
  SarifLog log;
  log.version = version;
  for (const HackKind& kind : HackKinds()) log.rules.push_back(RuleOf(kind));
  for (const Hack& hack : scan.findings) log.results.push_back(ResultOf(hack));
  for (const Unscanned& each : scan.unscanned) log.notifications.push_back(NotificationOf(each));
  log.successful = scan.unscanned.empty();
  return ToSarif(log);
}

}  // namespace trireme
