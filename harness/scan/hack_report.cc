#include "harness/scan/hack_report.h"

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/base/terminal_text.h"

namespace trireme {
namespace {

// A name may hold anything; what it holds must not look like another line.
std::string OneLine(const std::string& text) { return TerminalText(text); }

std::string Counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

Json ToJson(const Hack& hack) {
  return {{"file", hack.file},
          {"line", hack.line},
          {"column", hack.column},
          {"end_line", hack.end_line},
          {"end_column", hack.end_column},
          {"kind", std::string(hack.kind->name)},
          {"symbol", hack.symbol},
          {"message", hack.Message()},
          {"scenario", std::string(hack.kind->scenario)}};
}

}  // namespace

std::string HacksAsText(const HackScan& scan) {
  std::string text;
  for (const Hack& hack : scan.findings)
    text += OneLine(hack.file) + ":" + std::to_string(hack.line) + ":" +
            std::to_string(hack.column) + ": " + std::string(hack.kind->name) + ": " +
            OneLine(hack.Message()) + " (scenario " + std::string(hack.kind->scenario) + ")\n";
  return text;
}

std::string UnscannedAsText(const HackScan& scan) {
  std::string text;
  for (const Unscanned& each : scan.unscanned)
    text += OneLine(each.file) + ":" + std::to_string(each.line) +
            ": not scanned: " + OneLine(each.reason) + "\n";
  return text;
}

std::string HacksAsJson(const HackScan& scan) {
  Json document = {{"what", "hacks"}, {"scanned", scan.scanned}};
  document["findings"] = Json::array();
  for (const Hack& hack : scan.findings) document["findings"].push_back(ToJson(hack));
  document["unscanned"] = Json::array();
  for (const Unscanned& each : scan.unscanned)
    document["unscanned"].push_back({{"file", each.file},
                                     {"line", each.line},
                                     {"column", each.column},
                                     {"reason", each.reason}});
  document["skipped"] = scan.skipped;
  return DumpJson(document, 2) + "\n";
}

std::string SummaryOf(const HackScan& scan) {
  std::string line = Counted(scan.findings.size(), "finding") + " in " +
                     Counted(scan.scanned, "file") + ", " + std::to_string(scan.unscanned.size()) +
                     " not scanned";
  if (!scan.skipped.empty()) line += "; skipped " + OneLine(Join(scan.skipped, ", "));
  return line + "\n";
}

}  // namespace trireme
