#include <optional>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/locations.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/interpreters.h"
#include "harness/cli/option_parser.h"
#include "harness/scan/hack_report.h"
#include "harness/scan/hack_scan.h"
#include "harness/scan/python_files.h"
#include "harness/scan/sarif.h"

namespace trireme {
namespace {

constexpr std::string_view kSarif = "sarif=";

struct ScanOptions {
  std::vector<std::string> paths;
  std::vector<std::string> pythons;
  std::vector<std::string> reports;
  bool hacks = false;
  bool json = false;
};

void AddScanOptions(OptionParser& parser, ScanOptions& options) {
  parser.Positionals("PATH", options.paths, "Python files, and folders that hold some");
  parser.Flag("--hacks", options.hacks,
              "what disables or depends on multiple readers of one socket");
  parser.Values("--python", "NAME=PATH", options.pythons,
                "the interpreter whose parser reads the sources");
  parser.Flag("--json", options.json, "print one JSON document");
  parser.Values("--report", "sarif=PATH", options.reports,
                "write SARIF 2.1.0, - is standard output; repeatable");
}

Status CheckReports(const ScanOptions& options) {
  int to_output = options.json ? 1 : 0;
  for (const std::string& report : options.reports) {
    if (!report.starts_with(kSarif) || report == kSarif)
      return UsageError("option --report: '" + report + "' is not sarif=PATH",
                        "a scan is reported as SARIF only");
    if (report.substr(kSarif.size()) == "-") ++to_output;
  }
  if (to_output > 1)
    return UsageError("standard output takes one document",
                      "write the report to a file: --report sarif=PATH");
  return Done{};
}

Status CheckScanOptions(const ScanOptions& options) {
  if (!options.hacks)
    return UsageError("the whole inventory of 'trireme scan' is not available yet",
                      "'trireme scan --hacks PATH' finds what depends on multiple readers");
  if (options.paths.empty())
    return UsageError("scan what?", "'trireme scan --hacks PATH', a folder of Python sources");
  return CheckReports(options);
}

// The error is kInfrastructure too when there is none at all: nothing can be scanned without.
Result<std::string> ChooseParser(const std::vector<std::string>& pythons,
                                 const Locations& locations) {
  Result<std::vector<Interpreter>> chosen =
      ChooseInterpreters(FindInterpreterPlaces(pythons, locations.data), {});
  if (chosen.ok()) return chosen->front().path;
  Diagnostic error = chosen.error();
  if (error.kind == ErrorKind::kNothing) error.kind = ErrorKind::kInfrastructure;
  return error;
}

Result<HackScan> Scan(const ScanOptions& options) {
  TRIREME_ASSIGN_OR_RETURN(const PythonFiles files, FindPythonFiles(options.paths));
  if (files.files.empty() && files.unreadable.empty()) {
    Diagnostic error =
        UsageError("there is no Python source in '" + options.paths.front() + "'",
                   "*.py is looked for in folders; name a file of another name itself");
    error.kind = ErrorKind::kNothing;
    return error;
  }
  const Locations locations = FindLocations();
  TRIREME_ASSIGN_OR_RETURN(const std::string interpreter, ChooseParser(options.pythons, locations));
  return ScanHacks(interpreter, locations.agent, files);
}

// Standard output has one document, or the text.
Status WriteScan(const ScanOptions& options, const HackScan& scan) {
  bool text = !options.json;
  for (const std::string& report : options.reports) {
    const std::string path = report.substr(kSarif.size());
    const std::string sarif = HacksAsSarif(scan, TRIREME_VERSION);
    if (path == "-") {
      Print(sarif);
      text = false;
    } else {
      TRIREME_RETURN_IF_ERROR(WriteOutput(path, sarif));
    }
  }
  if (options.json) Print(HacksAsJson(scan));
  if (text) Print(HacksAsText(scan));
  PrintError(UnscannedAsText(scan) + SummaryOf(scan));
  return Done{};
}

}  // namespace

int ScanCommand(const Arguments& arguments) {
  OptionParser parser("scan");
  ScanOptions options;
  AddScanOptions(parser, options);
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;
  if (const Status checked = CheckScanOptions(options); !checked.ok()) return Fail(checked.error());
  const Result<HackScan> scan = Scan(options);
  if (!scan.ok()) return Fail(scan.error());
  if (const Status written = WriteScan(options, *scan); !written.ok()) return Fail(written.error());
  if (!scan->findings.empty()) return kExitFail;
  return scan->unscanned.empty() ? kExitPass : kExitUnknown;
}

}  // namespace trireme
