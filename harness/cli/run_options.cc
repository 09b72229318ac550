#include "harness/cli/run_options.h"

#include <algorithm>

#include "harness/base/strings.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"
#include "harness/scenario/plan.h"
#include "reports/report.h"

namespace trireme {
namespace {

// Texts that are understood only after the options are known to be well-formed.
struct RawOptions {
  std::vector<std::string> trials, params, reports, suppressions;
  std::optional<std::string> seed, reference, out, faults_from;
};

void AddOptions(OptionParser& parser, RunOptions& options, RawOptions& raw) {
  parser.Positionals("SCENARIO", options.scenarios,
                     "a folder, a file, or a name or glob under the scenario paths");
  parser.List("--runtimes", "A,B", options.run.runtimes, "only these runtimes");
  parser.List("--interpreters", "A,B", options.run.interpreters,
              "Pythons to use: 3.11, 3.13t, or a name of --python");
  parser.Values("--python", "NAME=PATH", options.pythons, "an interpreter of your own; repeatable");
  parser.Count("--trials", options.run.trials, "trials of each cell");
  parser.Values("--trial", "K", raw.trials, "only trial K of the plan; repeatable");
  parser.Value("--seed", "N", raw.seed, "seed of the run, decimal or 0x");
  parser.Count("--jobs", options.run.jobs,
               "trials at a time; default: the number of cores, more of sweeps where they wait or cores "
               "are idle, one of a command after --");
  parser.Duration("--timeout", options.run.timeout, "of one trial");
  parser.Duration("--budget", options.run.budget, "start no trial after this long");
  parser.Choice("--profile", ProfileNames(), options.profile,
                "quick: a tenth of the trials; nightly: ten times");
  parser.Value("--reference", "RUNTIME", raw.reference,
               "the runtime that others are compared with");
  parser.Values("--param", "KEY=VALUE", raw.params, "a parameter of the workload; repeatable");
  parser.Values("--tag", "TAG", options.tags,
                "only scenarios with this tag; repeatable: with any of them");
  parser.FileList(
      "--faults", "PLAN,PLAN", options.faults,
      "these fault plans instead of the scenario's: a name of 'trireme list faults', one of "
      "its own, a plan file, or none");
  parser.Value("--faults-from", "RUN", raw.faults_from,
               "the faults that were applied in that run's --trial, each at its byte; RUN may be a "
               "folder of its trials, too");
  parser.Flag(
      "--minimise", options.minimise,
      "reduce the faults of each cell's first failing trial to those that matter, and print "
      "them as a plan: at most 500 trials more a cell, within --budget");
  parser.Values("--scenario-path", "DIR", options.scenario_paths,
                "a folder of scenarios; repeatable");
  parser.Value("--out", "DIR", raw.out, "the run directory; default: trireme-runs/<time>-<id>");
  parser.Values("--report", "FORMAT=PATH", raw.reports,
                "write a report, - is standard output, which then has nothing else; repeatable");
  parser.Choice("--keep", {"all", "failed", "none"}, options.keep, "which trials' files stay");
  parser.Choice("--progress", {"auto", "always", "never"}, options.progress, "the progress bar");
  parser.Flag("--no-record", options.no_record,
              "record no history, to measure what recording costs: every verdict is unknown");
  parser.Flag("--fail-fast", options.fail_fast,
              "start no trial after the first unexpected failure");
  parser.Flag("--dry-run", options.dry_run, "print the plan with its estimated time, run nothing");
  parser.Values("--suppressions", "FILE", raw.suppressions,
                "findings to leave alone, beside the shipped ones; repeatable");
  for (const char* later : {"--arms", "--strategy", "--stress", "--known", "--store"})
    parser.Later(later);
}

Status Understand(const RawOptions& raw, RunOptions& options) {
  if (raw.seed) {
    options.seed = ParseUnsigned(*raw.seed);
    if (!options.seed)
      return UsageError("option --seed: '" + *raw.seed + "' is not a number such as 17 or 0x5eed");
  }
  for (const std::string& text : raw.trials) {
    const std::optional<uint64_t> trial = ParseUnsigned(text);
    if (!trial || *trial > 1'000'000'000)
      return UsageError("option --trial: '" + text + "' is not the number of a trial",
                        "trials count from 0");
    options.only_trials.push_back(static_cast<int64_t>(*trial));
  }
  for (const std::string& text : raw.params) {
    TRIREME_ASSIGN_OR_RETURN(auto param, ParseParam(text));
    options.params.push_back(std::move(param));
  }
  for (const std::string& text : raw.reports) {
    TRIREME_ASSIGN_OR_RETURN(ReportRequest request, ParseReportRequest(text));
    if (request.path == "-" && WritesToOutput(options.reports))
      return UsageError("standard output takes one document",
                        "write the report to a file: --report " + request.format + "=PATH");
    options.reports.push_back(std::move(request));
  }
  for (const std::string& python : options.pythons)
    options.replay.insert(options.replay.end(), {"--python", python});
  for (const std::string& path : options.scenario_paths)
    options.replay.insert(options.replay.end(), {"--scenario-path", path});
  options.trials_may_meet = options.run.jobs.has_value();
  if (options.trials_may_meet && !options.command.empty())
    options.replay.insert(options.replay.end(), {"--jobs", std::to_string(*options.run.jobs)});
  if (raw.faults_from && !options.faults.empty())
    return UsageError("options --faults and --faults-from exclude each other");
  options.faults_from = raw.faults_from.value_or("");
  for (const std::string& file : raw.suppressions)
    options.replay.insert(options.replay.end(), {"--suppressions", file});
  if (options.minimise && (options.no_record || options.keep == "none"))
    return UsageError(
        "option --minimise needs the histories of trials",
        std::string("leave out ") + (options.no_record ? "--no-record" : "--keep none"));
  options.reference = raw.reference.value_or("");
  options.out = raw.out.value_or("");
  if (raw.out && raw.out->empty()) return UsageError("option --out: the path is empty");
  if (!options.command.empty() && !options.scenarios.empty())
    return UsageError("a scenario and a command cannot be run at once",
                      "drop '" + options.scenarios.front() + "', or what follows '--'");
  return Done{};
}

// Where the command line is silent: the profile of trireme.yaml, then trireme.yaml.
void FillIn(RunSettings& run, const RunSettings& fallback) {
  if (run.runtimes.empty()) run.runtimes = fallback.runtimes;
  if (run.interpreters.empty()) run.interpreters = fallback.interpreters;
  if (!run.trials) run.trials = fallback.trials;
  if (!run.jobs) run.jobs = fallback.jobs;
  if (!run.timeout) run.timeout = fallback.timeout;
  if (!run.budget) run.budget = fallback.budget;
}

void Apply(const Settings& settings, RunOptions& options) {
  if (options.profile.empty()) options.profile = settings.profile;
  if (const auto profile = settings.profiles.find(options.profile);
      profile != settings.profiles.end())
    FillIn(options.run, profile->second);
  FillIn(options.run, settings.run);
  options.pythons.insert(options.pythons.end(), settings.pythons.begin(), settings.pythons.end());
  options.scenario_paths.insert(options.scenario_paths.end(), settings.scenario_paths.begin(),
                                settings.scenario_paths.end());
}

}  // namespace

Result<ReportRequest> ParseReportRequest(const std::string& text) {
  std::vector<std::string> names;
  for (const ReportFormat& format : ReportFormats())
    if (format.write != nullptr) names.emplace_back(format.name);
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size())
    return UsageError("option --report: '" + text + "' is not FORMAT=PATH",
                      "formats: " + Join(names, ", "));
  ReportRequest request{text.substr(0, equals), text.substr(equals + 1)};
  const ReportFormat* format = FindReportFormat(request.format);
  if (format != nullptr && format->write == nullptr)
    return UsageError("report format '" + request.format + "' is not available yet",
                      "formats: " + Join(names, ", "));
  if (format != nullptr) return request;
  std::string hint = DidYouMean(request.format, names);
  return UsageError("unknown report format '" + request.format + "'",
                    hint.empty() ? "formats: " + Join(names, ", ") : hint);
}

bool WritesToOutput(const std::vector<ReportRequest>& requests) {
  return std::any_of(requests.begin(), requests.end(),
                     [](const ReportRequest& request) { return request.path == "-"; });
}

ReportStyle StyleOfFile(const std::string& path) { return {.markdown = path.ends_with(".md")}; }

ReportStyle StyleOf(int fd) {
  const Terminal terminal = DescribeTerminal(fd);
  return {.unicode = terminal.unicode,
          .color = terminal.color,
          .columns = terminal.interactive ? static_cast<size_t>(terminal.columns) : 0};
}

std::variant<RunOptions, int> ParseRunOptions(const Arguments& arguments) {
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  RunOptions options;
  RawOptions raw;
  if (separator != arguments.end()) options.command.assign(separator + 1, arguments.end());
  OptionParser parser("run");
  AddOptions(parser, options, raw);
  if (const std::optional<int> code = parser.Parse(Arguments(arguments.begin(), separator)))
    return *code;
  if (separator != arguments.end() && options.command.empty())
    return Fail(UsageError("no command follows '--'",
                           "for example 'trireme run -- python3 -m pytest tests'"));
  if (const Status understood = Understand(raw, options); !understood.ok())
    return Fail(understood.error());
  const Result<Settings> settings = FindSettings(".");
  if (!settings.ok()) return Fail(settings.error());
  Apply(*settings, options);
  raw.suppressions.insert(raw.suppressions.end(), settings->suppressions.begin(),
                          settings->suppressions.end());
  Result<Suppressions> known = ReadSuppressions(raw.suppressions, FindLocations());
  if (!known.ok()) return Fail(known.error());
  options.suppressions = *std::move(known);
  return options;
}

}  // namespace trireme
