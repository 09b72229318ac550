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
// (references to groups, looking ahead and behind), so that it takes a time in proportion to the line. Thread safety: immutable.
class LinePattern {
 public:
  static constexpr size_t kLongestLine = 4096;  // bytes that are kept of a line, to be looked at

  static Result<LinePattern> Parse(const std::string& text);

  const std::string& text() const { return text_; }
  // What its first group matched in `line`, or, without one, the whole of it. No match: nullopt.
  std::optional<std::string> Find(const std::string& line) const;

 private:
  LinePattern(std::string text, std::shared_ptr<const re2::RE2> pattern)
      : text_(std::move(text)), pattern_(std::move(pattern)) {}

  std::string text_;
  std::shared_ptr<const re2::RE2> pattern_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_LINE_PATTERN_H_
