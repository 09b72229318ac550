#ifndef TRIREME_RUNNERS_NATIVE_COMMAND_OUTPUT_H_
#define TRIREME_RUNNERS_NATIVE_COMMAND_OUTPUT_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/line_pattern.h"
#include "harness/base/unique_fd.h"

namespace trireme {

// Looks through what a program writes, on its way to where it would have gone, for the lines that are to be compared: each
// match becomes an observation `line:PATTERN`. Of a line longer than LinePattern::kLongestLine the part that is kept is looked
// at, and a match says how long the line is, and a digest of the rest. Without patterns it does nothing, and the program writes there itself.
class CommandOutput {
 public:
  // `patterns` as the engine sends them: regular expressions, or nothing.
  explicit CommandOutput(const Json& patterns);

  // Makes the pipes, before the fork. 0, or an errno.
  int Open();
  // In the child: its standard output and error become the pipes. Async-signal safe.
  void TakeOver() const;
  // In the parent: passes on what comes until the child has ended, and what it left in the pipes. What its own children
  // write later is nobody's.
  void PassOn(pid_t child);

 private:
  struct Stream {
    UniqueFd read, write;
    int target = -1;
    uint64_t passed = 0;  // bytes
    std::string line;     // that has not ended yet, of at most LinePattern::kLongestLine
    uint64_t size = 0;    // of it, with what is not kept
    uint64_t digest = 0;  // of what is not kept
  };

  void ForwardUntilItEnds(pid_t child);
  bool Forward(Stream& stream, size_t most);  // false: there is nothing more, now or for ever
  void Look(Stream& stream, std::string_view bytes);
  static void AddToLine(Stream& stream, std::string_view part);
  void EndLine(Stream& stream);

  std::vector<LinePattern> patterns_;
  std::array<Stream, 2> streams_;
};

}  // namespace trireme

#endif  // TRIREME_RUNNERS_NATIVE_COMMAND_OUTPUT_H_
