#ifndef TRIREME_HARNESS_CLI_COMMAND_H_
#define TRIREME_HARNESS_CLI_COMMAND_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trireme {

// What follows the subcommand's name on the command line.
using Arguments = std::vector<std::string>;

// A subcommand: one file that defines its function, one declaration here and one line in
// commands.cc. The function parses its own arguments (option_parser.h), writes results to standard
// output and everything else to standard error, and returns an exit code (exit_codes.h).
struct Command {
  std::string_view name;
  std::string_view arguments;               // "RUN --format F"
  std::string_view summary;                 // one line of the help
  int (*main)(const Arguments&) = nullptr;  // null: not available yet
};

// Every subcommand, in the order of the help.
std::span<const Command> Commands();

int CheckCommand(const Arguments& arguments);
int DoctorCommand(const Arguments& arguments);
int ExplainCommand(const Arguments& arguments);
int HistoryCommand(const Arguments& arguments);
int ListCommand(const Arguments& arguments);
int NewCommand(const Arguments& arguments);
int ReportCommand(const Arguments& arguments);
int RunCommandLine(const Arguments& arguments);
int ScanCommand(const Arguments& arguments);
int SetupCommand(const Arguments& arguments);
int WatchCommand(const Arguments& arguments);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_COMMAND_H_
