// trireme: finds the subcommand and runs it.

#include <clocale>
#include <exception>
#include <string>
#include <vector>

#include "harness/base/strings.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"

namespace trireme {
namespace {

constexpr std::string_view kShortHelp =
    R"(trireme drives one workload through green threads, native threads and async, and reports where they differ.

  trireme run patterns --trials 20                 the shipped patterns on every runtime that this machine has
  trireme new my-scenario                          write a scenario that runs, to be edited
  trireme run --runtimes eventlet,threading -- python3 -m pytest tests
                                                   which of your own tests differ between Eventlet and threads

'trireme --help' lists all commands, 'trireme doctor' says what can run on this machine.
)";

std::string Help() {
  std::string help = "usage: trireme COMMAND [OPTIONS]\n\n";
  for (const Command& command : Commands()) {
    std::string usage = std::string(command.name) + " " + std::string(command.arguments);
    usage.resize(std::max<size_t>(usage.size() + 1, 28), ' ');
    help += "  " + usage + std::string(command.summary) +
            (command.main == nullptr ? " (not available yet)" : "") + "\n";
  }
  help +=
      "\n'trireme COMMAND --help' shows the options of a command; 'trireme explain exit-codes' how "
      "it ends.\n";
  return help;
}

int RunSubcommand(const std::string& name, const Arguments& arguments) {
  std::vector<std::string> names;
  for (const Command& command : Commands()) {
    names.emplace_back(command.name);
    if (command.name != name) continue;
    if (command.main != nullptr) return command.main(arguments);
    return Fail(UsageError("'trireme " + name + "' is not available yet",
                           "'trireme --help' lists what is"));
  }
  const std::string guess = DidYouMean(name, names);
  return Fail(
      UsageError((name.starts_with('-') ? "unknown option '" : "unknown command '") + name + "'",
                 guess.empty() ? "'trireme --help' lists the commands" : guess));
}

int Main(const Arguments& arguments) {
  if (arguments.empty()) {
    Print(kShortHelp);
    return kExitPass;
  }
  const std::string& first = arguments.front();
  const Arguments rest(arguments.begin() + 1, arguments.end());
  if (first == "--version") {
    Print("trireme " TRIREME_VERSION "\n");
    return kExitPass;
  }
  if (first == "--help" || first == "-h" || (first == "help" && rest.empty())) {
    Print(Help());
    return kExitPass;
  }
  if (first == "help") return RunSubcommand(rest.front(), {"--help"});
  return RunSubcommand(first, rest);
}

}  // namespace
}  // namespace trireme

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  trireme::FillStandardDescriptors();
  trireme::TakeSignals();
  try {
    return trireme::FinishOutput(trireme::Main(trireme::Arguments(argv + 1, argv + argc)));
  } catch (const std::exception& error) {
    return trireme::Fail(trireme::InfrastructureError(
        std::string("internal error: ") + error.what(), "please report it with the command line"));
  }
}
