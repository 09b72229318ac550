#ifndef TRIREME_HARNESS_SCAN_HACK_SCAN_H_
#define TRIREME_HARNESS_SCAN_HACK_SCAN_H_

#include <cstddef>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/scan/hack_kinds.h"
#include "harness/scan/python_files.h"

namespace trireme {

// One thing that was found. Lines and columns count from 1, columns in characters; the end is
// exclusive.
struct Hack {
  std::string file;
  int line = 1;
  int column = 1;
  int end_line = 1;
  int end_column = 1;
  const HackKind* kind = nullptr;  // never null
  std::string symbol;              // "eventlet.hubs.trampoline", "class PipeMutex"

  // What it is and what it risks, in one line.
  std::string Message() const;
};

struct HackScan {
  size_t scanned = 0;  // files that were looked into
  std::vector<Hack> findings;
  std::vector<Unscanned> unscanned;
  std::vector<std::string> skipped;
};

// Searches `files` with the parser of `interpreter`, which imports and runs none of them. `agent` is
// Locations::agent. A file that the interpreter dies of is in `unscanned`, and the others are
// searched without it. kInfrastructure when the interpreter does not work at all.
Result<HackScan> ScanHacks(const std::string& interpreter, const std::string& agent,
                           const PythonFiles& files);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCAN_HACK_SCAN_H_
