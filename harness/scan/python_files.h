#ifndef TRIREME_HARNESS_SCAN_PYTHON_FILES_H_
#define TRIREME_HARNESS_SCAN_PYTHON_FILES_H_

#include <string>
#include <vector>

#include "harness/base/result.h"

namespace trireme {

// A place that was not looked into, and why.
struct Unscanned {
  std::string file;
  int line = 1;
  int column = 1;
  std::string reason;
};

struct PythonFiles {
  std::vector<std::string> files;    // each once, whatever links lead to it; in the order of names
  std::vector<std::string> skipped;  // folders that hold nobody's own sources, and links to folders
  std::vector<Unscanned> unreadable;
};

// The files *.py below the folders among `paths`, and the files among them whatever their names.
// Skips what version control, builds and virtual environments keep; what `paths` name themselves is
// never skipped. Links to folders are not followed: what they lead to is found where it is, or is
// not part of the tree. An error when a path does not exist.
Result<PythonFiles> FindPythonFiles(const std::vector<std::string>& paths);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCAN_PYTHON_FILES_H_
