#ifndef TRIREME_HARNESS_BASE_LINE_PATTERN_H_
#define TRIREME_HARNESS_BASE_LINE_PATTERN_H_

#include <memory>
#include <optional>
#include <string>

#include "harness/base/result.h"

namespace re2 {
class RE2;
}

namespace trireme {

// A regular expression that is looked for in lines of text, as RE2 writes it: Python's syntax, but for what needs backtracking
// (references to groups, looking ahead and behind), so that it takes a time in proportion to the line. A line that is valid UTF-8
// is made of characters, any other of bytes. Thread safety: immutable.
class LinePattern {
 public:
  static constexpr size_t kLongestLine = 1 << 20;  // bytes that are kept of a line, to be looked at

  static Result<LinePattern> Parse(const std::string& text);

  const std::string& text() const { return text_; }
  // What its first group matched in `line`, or, without one, the whole of it. No match: nullopt.
  std::optional<std::string> Find(const std::string& line) const;

 private:
  using Compiled = std::shared_ptr<const re2::RE2>;
  LinePattern(std::string text, Compiled of_characters, Compiled of_bytes)
      : text_(std::move(text)),
        of_characters_(std::move(of_characters)),
        of_bytes_(std::move(of_bytes)) {}

  std::string text_;
  Compiled of_characters_, of_bytes_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_LINE_PATTERN_H_
