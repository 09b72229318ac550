#ifndef TRIREME_HARNESS_BASE_LINE_PATTERN_H_
#define TRIREME_HARNESS_BASE_LINE_PATTERN_H_

#include <optional>
#include <regex>
#include <string>

#include "harness/base/result.h"

namespace trireme {

// A regular expression that is looked for in lines of text, as ECMAScript writes it. Thread safety: immutable.
class LinePattern {
 public:
  static constexpr size_t kLongestLine = 4096;  // bytes that are looked at: matching takes stack for each

  static Result<LinePattern> Parse(const std::string& text);

  const std::string& text() const { return text_; }
  // What its first group matched in `line`, or, without one, the whole of it. No match: nullopt. It backtracks: of a pattern
  // like (a+)+b it takes as long as that takes.
  std::optional<std::string> Find(const std::string& line) const;

 private:
  LinePattern(std::string text, std::regex regex)
      : text_(std::move(text)), regex_(std::move(regex)) {}

  std::string text_;
  std::regex regex_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_LINE_PATTERN_H_
