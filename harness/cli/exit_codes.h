#ifndef TRIREME_HARNESS_CLI_EXIT_CODES_H_
#define TRIREME_HARNESS_CLI_EXIT_CODES_H_

#include <array>
#include <string_view>

#include "harness/base/diagnostic.h"

namespace trireme {

// How the program ends. Scripts rely on these: add, never renumber. Where several hold, the first
// of 130, 3, 1, 4, 0 stands.
inline constexpr int kExitPass = 0;   // every planned cell did what was expected of it
inline constexpr int kExitFail = 1;   // at least one cell did not
inline constexpr int kExitUsage = 2;  // an input is wrong; nothing was run, nothing written
inline constexpr int kExitInfrastructure = 3;  // the machine failed: disk, interpreter, runner
inline constexpr int kExitUnknown = 4;  // something could not be decided, or nothing was measured
inline constexpr int kExitInterrupted = 130;  // Ctrl-C; what was recorded is kept and reported

struct ExitCodeMeaning {
  int code;
  std::string_view meaning;
};

inline constexpr std::array<ExitCodeMeaning, 6> kExitCodes = {{
    {kExitPass, "every planned cell did what was expected of it"},
    {kExitFail, "at least one cell did not: a violation, an unexpected pass, a regression"},
    {kExitUsage, "the command line, a scenario or another input file is wrong; nothing was run"},
    {kExitInfrastructure,
     "the infrastructure failed: no disk, no interpreter that was asked for by name, a runner that "
     "cannot start"},
    {kExitUnknown,
     "unknown: something could not be decided, or nothing was measured (no scenario matched, every "
     "cell unsupported)"},
    {kExitInterrupted, "interrupted; what was recorded is kept and reported"},
}};

constexpr int ExitCodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return kExitUsage;
    case ErrorKind::kInfrastructure:
      return kExitInfrastructure;
    case ErrorKind::kNothing:
      return kExitUnknown;
  }
  return kExitInfrastructure;
}

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_EXIT_CODES_H_
