#ifndef TRIREME_HARNESS_BASE_DIAGNOSTIC_H_
#define TRIREME_HARNESS_BASE_DIAGNOSTIC_H_

#include <string>

namespace trireme {

// What kind of thing went wrong; the command line turns it into an exit code.
enum class ErrorKind {
  kUsage,           // the command line, a scenario or another input file is wrong (exit 2)
  kInfrastructure,  // no disk, no interpreter, a runner that cannot start (exit 3)
  kNothing,         // nothing matched, nothing was measured (exit 4)
};

// One error as the user sees it: what and where first, then what to do. Lower case, no full stop.
struct Diagnostic {
  ErrorKind kind = ErrorKind::kUsage;
  std::string file;         // empty: no place
  int line = 0;             // from 1; 0: the whole file
  int column = 0;           // from 1, in bytes
  int length = 1;           // of the underlined text
  std::string source_line;  // the text of `line`, for the caret; may be empty
  std::string message;
  std::string hint;  // what to do; may be empty
  // Which key of what was read is at fault, "at.offset", for whoever knows where that is written; may be empty.
  std::string key;

  // file:line:col: error: message, the line, the caret, the hint; ends in a newline.
  std::string Render() const;
};

Diagnostic UsageError(std::string message, std::string hint = "");
Diagnostic InfrastructureError(std::string message, std::string hint = "");
// "cannot open /x: No such file or directory", from errno.
Diagnostic ErrnoError(const std::string& what, int error_number);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_DIAGNOSTIC_H_
