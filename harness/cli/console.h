#ifndef TRIREME_HARNESS_CLI_CONSOLE_H_
#define TRIREME_HARNESS_CLI_CONSOLE_H_

#include <string_view>
#include <vector>

#include "harness/base/diagnostic.h"
#include "harness/base/result.h"

namespace trireme {

// Results go to standard output, everything else to standard error. Whole buffers, retried: no half
// lines.
void Print(std::string_view text);
void PrintError(std::string_view text);

// Writes the error where errors go and returns the exit code it means.
int Fail(const Diagnostic& error);
// Every error in turn; the exit code of the first. REQUIRES: not empty.
int FailAll(const std::vector<Diagnostic>& errors);

// A reader that went away and a file that may not grow (SIGPIPE, SIGXFSZ) are errors of write(2)
// from here on, and the end of a child can be awaited (SIGCHLD), whatever our caller ignores. One
// thread.
void TakeSignals();
// As they were before, for a program that takes this process's place.
void GiveSignalsBack();

// Where standard input, output or error is closed, it becomes one that cannot be read or written:
// else the next file that is opened would take its number. A program that takes this process's place
// finds it closed.
void FillStandardDescriptors();

// The exit code to end with: `code`, or kExitInfrastructure (said on standard error) when standard
// output could not be written. A reader that went away (`trireme list checks | head -1`) is no
// failure.
int FinishOutput(int code);

// What the terminal behind a descriptor can show; from isatty, TERM, NO_COLOR and the locale's
// character set.
struct Terminal {
  bool interactive = false;
  bool color = false;
  bool unicode = false;
  int columns = 80;
};
Terminal DescribeTerminal(int fd);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_CONSOLE_H_
