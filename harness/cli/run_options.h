#ifndef TRIREME_HARNESS_CLI_RUN_OPTIONS_H_
#define TRIREME_HARNESS_CLI_RUN_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/cli/command.h"
#include "harness/cli/settings.h"
#include "harness/cli/suppressions.h"
#include "reports/report.h"

namespace trireme {

// A report that `run` writes: --report FORMAT=PATH.
struct ReportRequest {
  std::string format;
  std::string path;  // - is standard output
};

// The command line of `run`, with what trireme.yaml says where the command line is silent.
struct RunOptions {
  std::vector<std::string> scenarios;
  std::vector<std::string> command;  // after --
  RunSettings run;
  std::string profile;
  std::vector<std::string> pythons;  // NAME=PATH
  std::vector<std::string> scenario_paths;
  std::optional<uint64_t> seed;
  std::vector<int64_t> only_trials;
  std::string reference;
  std::vector<std::pair<std::string, Json>> params;
  std::vector<std::string> tags;
  std::string faults_from;          // a run, a cell of it, or a trial
  std::vector<std::string> faults;  // instead of the scenarios'; empty: theirs
  std::vector<ReportRequest> reports;
  Suppressions suppressions;  // the shipped ones among them
  std::string out;
  std::string keep = "all";
  std::string progress = "auto";
  // The command line says how many trials run at a time: who does knows that a command's may meet in its folder.
  bool trials_may_meet = false;
  // Of the command line alone: what a replay has to repeat, since trireme.yaml stays where it is.
  std::vector<std::string> replay;
  bool fail_fast = false;
  bool no_record = false;
  bool dry_run = false;
  bool minimise = false;
};

// The options, or the exit code to return: help was printed, or an error was.
std::variant<RunOptions, int> ParseRunOptions(const Arguments& arguments);

// FORMAT=PATH; an unknown or later format, or no path, is an error.
Result<ReportRequest> ParseReportRequest(const std::string& text);

// Whether one of them is for standard output.
bool WritesToOutput(const std::vector<ReportRequest>& requests);

// How reports for people look on what `fd` is connected to.
ReportStyle StyleOf(int fd);
// How they look in a file.
ReportStyle StyleOfFile(const std::string& path);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_RUN_OPTIONS_H_
