#ifndef TRIREME_HARNESS_CHECK_STACKS_H_
#define TRIREME_HARNESS_CHECK_STACKS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"

namespace trireme {

// One stack of stacks.txt.
struct TaskStack {
  std::string task;    // spawn path or name, "" for a thread that runs none
  std::string header;  // the line above the frames
  int64_t thread = 0;
  std::vector<std::string> frames;  // "workload.py:12 in reader", innermost last
};

// Reads what runners write when a trial hangs or crashes: Python's faulthandler, Python tracebacks,
// gdb's `bt`, and frames already in the form above. Total: lines that it does not know are skipped.
std::vector<TaskStack> ParseStacks(std::string_view text);

// "/a/b/workload.py:12 in reader" -> "workload.py:reader"; "" for a frame of a runtime, the
// standard library or the harness, which differ between runtimes and versions.
std::string NormalisedFrame(std::string_view frame);

// "workload.so in _ZN7EchoEv" -> "workload.so in Echo()".
std::string Demangled(const std::string& frame);
// The frames that an event has as a list of texts, each demangled.
std::vector<std::string> StackIn(const Json& value, const char* member);

// The innermost frame that is the workload's own: one that NormalisedFrame() knows, or else a function of a library that
// is no runtime's, as a C++ workload is one. "" for none. `stack` has the outermost first.
std::string InnermostOwnFrame(const std::vector<std::string>& stack);
// The same without what differs between runs: a NormalisedFrame(), or the function in a library.
std::string PlaceOfFrame(const std::string& frame);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_STACKS_H_
