#include "reports/report.h"

#include <optional>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/run_options.h"
#include "harness/cli/saved_run.h"

namespace trireme {

int ReportCommand(const Arguments& arguments) {
  OptionParser parser("report");
  std::vector<std::string> runs;
  std::optional<std::string> format;
  std::optional<std::string> out;
  parser.Positionals("RUN", runs, "a run directory, or a results.json");
  parser.Value("--format", "F", format, "text (default), json, junit, markdown, faults, sarif");
  parser.Value("--out", "PATH", out, "where to write it; - (default) is standard output");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;
  if (runs.size() != 1)
    return Fail(UsageError("report which run?",
                           "for example 'trireme report trireme-runs/20260102T030405Z-1f0c2a'"));
  const Result<ReportRequest> request =
      ParseReportRequest(format.value_or("text") + "=" + out.value_or("-"));
  if (!request.ok()) return Fail(request.error());
  const Result<RunResults> results = ReadResults(runs.front());
  if (!results.ok()) return Fail(results.error());
  const ReportFormat& chosen = *FindReportFormat(request->format);
  if (request->path == "-") {
    Print(chosen.write(*results, StyleOf(1)));
    return kExitPass;
  }
  const Status written =
      WriteOutput(request->path, chosen.write(*results, StyleOfFile(request->path)));
  return written.ok() ? kExitPass : Fail(written.error());
}

}  // namespace trireme
