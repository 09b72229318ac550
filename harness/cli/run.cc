#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/dry_run.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/interrupt_notice.h"
#include "harness/cli/minimise.h"
#include "harness/cli/progress.h"
#include "harness/cli/run_directory.h"
#include "harness/cli/run_execution.h"
#include "harness/cli/run_options.h"
#include "harness/cli/run_preparation.h"
#include "harness/cli/sweep.h"
#include "reports/report.h"

namespace trireme {
namespace {

Json AboutRun(const PreparedRun& run, const RunOptions& options, const Arguments& arguments,
              const RunDirectory& directory, int64_t started) {
  Json command = Json::array({"trireme", "run"});
  for (const std::string& argument : arguments) command.push_back(argument);
  return {{"schema", "trireme.run/1"},
          {"id", BaseName(directory.path())},
          {"seed", FormatHex(run.plan.seed)},
          {"profile", options.profile},
          {"started", FormatUtc(started)},
          {"version", TRIREME_VERSION},
          {"command", command},
          {"keep", options.keep},
          {"directory", directory.shown()},
          {"working_directory", RealPath(".")},
          {"host", DescribeHost()},
          {"interpreters", run.interpreters}};
}

Progress::Output ProgressOutput(const std::string& wanted) {
  const Terminal terminal = DescribeTerminal(2);
  Progress::Output output{.columns = static_cast<size_t>(terminal.columns),
                          .color = terminal.color};
  if (wanted == "always" || (wanted == "auto" && terminal.interactive))
    output.mode = Progress::Mode::kBar;
  else if (wanted == "auto")
    output.mode = Progress::Mode::kLines;
  output.write = PrintError;
  return output;
}

// What could not be written, in words; empty when all was.
std::vector<Diagnostic> WriteReports(const RunResults& results,
                                     const std::vector<ReportRequest>& requests) {
  std::vector<Diagnostic> errors;
  for (const ReportRequest& request : requests) {
    const std::string report =
        FindReportFormat(request.format)->write(results, StyleOfFile(request.path));
    if (request.path == "-") {
      Print(report);
      continue;
    }
    Status written = MakeDirectories(DirName(request.path));
    if (written.ok()) written = WriteOutput(request.path, report);
    if (!written.ok()) errors.push_back(written.error());
  }
  return errors;
}

int DryRun(const PreparedRun& run, const RunOptions& options) {
  const int64_t jobs = options.run.jobs.value_or(DefaultJobs());
  Print(FormatPlan(run.plan, static_cast<int>(jobs), EarlierSeconds("trireme-runs")));
  return kExitPass;
}

// Writes everything that a run leaves but its trials, and says how it ended.
int Conclude(RunResults& results, const RunOptions& options, RunDirectory& directory) {
  std::vector<Diagnostic> errors;
  if (Status written = directory.WriteResults(results); !written.ok())
    errors.push_back(written.error());
  for (Diagnostic& error : WriteReports(results, options.reports))
    errors.push_back(std::move(error));
  if (!errors.empty() && !results.infrastructure_failed) {
    results.infrastructure_failed = true;
    results.infrastructure_reason = errors.front().message;
  }
  // A report that goes to standard output is a document, which has to stay one.
  if (WritesToOutput(options.reports))
    PrintError(TextReport(results, StyleOf(2)));
  else
    Print(TextReport(results, StyleOf(1)));
  for (Diagnostic& error : errors) {
    if (error.hint.empty())
      error.hint = "what was recorded is in " + directory.shown() +
                   "; make room, then 'trireme check " + directory.shown() + "' judges it again";
    PrintError(error.Render());
  }
  return results.exit_code();
}

int Run(PreparedRun& run, const RunOptions& options, const Arguments& arguments,
        const Locations& locations, std::optional<InterruptNotice>& notice) {
  const int64_t started = SystemClock().WallNow();
  const int64_t begin = SystemClock().Now();
  Result<RunDirectory> directory = RunDirectory::Create(options.out, EntropySeed(), started);
  if (!directory.ok()) return Fail(directory.error());
  const Json about = AboutRun(run, options, arguments, *directory, started);
  if (const Status written = directory->WriteRun(about); !written.ok())
    return Fail(written.error());
  const EngineOptions engine = EngineOptionsFor(run, options, locations, directory->path());
  if (const Status swept = PlanSweeps(run, options.only_trials, engine); !swept.ok())
    return Fail(swept.error());
  if (const Status written = directory->WritePlan(run.plan); !written.ok())
    return Fail(written.error());
  notice.reset();
  Progress progress(run.plan, ProgressOutput(options.progress), SystemClock());
  Result<RunResults> results =
      RunExecution(run, options, *directory, progress).Execute(locations, about);
  if (!results.ok()) return Fail(results.error());
  const int code = Conclude(*results, options, *directory);
  if (!options.minimise) return code;
  const int64_t deadline = options.run.budget ? begin + *options.run.budget : 0;
  return MinimiseFailures(run, *results, *directory, {.engine = engine, .deadline = deadline},
                          code);
}

}  // namespace

int RunCommandLine(const Arguments& arguments) {
  const std::variant<RunOptions, int> parsed = ParseRunOptions(arguments);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const RunOptions& options = std::get<RunOptions>(parsed);
  std::optional<InterruptNotice> notice(std::in_place);
  const Locations locations = FindLocations();
  auto prepared = RunPreparation(options, locations).Prepare();
  if (const auto* errors = std::get_if<std::vector<Diagnostic>>(&prepared)) return FailAll(*errors);
  PreparedRun& run = std::get<PreparedRun>(prepared);
  return options.dry_run ? DryRun(run, options) : Run(run, options, arguments, locations, notice);
}

}  // namespace trireme
