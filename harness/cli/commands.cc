#include <array>

#include "harness/cli/command.h"

namespace trireme {
namespace {

constexpr std::array kCommands = {
    Command{"run", "[SCENARIO...] [-- CMD]", "plan, execute, check and report", &RunCommandLine},
    Command{"watch", "[OPTIONS] -- CMD", "run any program under the probe and report what it did",
            &WatchCommand},
    Command{"new", "NAME", "write a scenario that runs, to be edited", &NewCommand},
    Command{"scan", "--hacks PATH...",
            "where a code base disables or depends on multiple readers, without running it",
            &ScanCommand},
    Command{"check", "RUN|FILE...", "judge a saved run again", &CheckCommand},
    Command{"compare", "BASE HEAD", "what changed between two runs"},
    Command{"report", "RUN [--format F]", "write a report from a saved run", &ReportCommand},
    Command{"history", "RUN [--trial T]", "print histories as JSON Lines", &HistoryCommand},
    Command{"triage", "VERB", "list, reproduce and minimise findings"},
    Command{"sweep", "VERB", "a large run in shards"},
    Command{"store", "VERB", "results over time"},
    Command{"ci", "", "the whole job for one deliverable"},
    Command{"list", "WHAT",
            "scenarios, runtimes, checks, exceptions, correspondences, glossary, schemas",
            &ListCommand},
    Command{"explain", "THING",
            "a finding kind, a verdict, an exit code, a runtime, a check, a format",
            &ExplainCommand},
    Command{"setup", "", "make the virtual environments that the Python runtimes need",
            &SetupCommand},
    Command{"doctor", "",
            "what can run on this machine, what cannot, and the command that mends it",
            &DoctorCommand},
};

}  // namespace

std::span<const Command> Commands() { return kCommands; }

}  // namespace trireme
