#ifndef TRIREME_HARNESS_SCENARIO_SOURCE_TEXT_H_
#define TRIREME_HARNESS_SCENARIO_SOURCE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "harness/base/diagnostic.h"

namespace trireme {

// The text of a file and its path, while errors in it are made. Borrows both.
class SourceText {
 public:
  SourceText(std::string_view text, std::string_view path) : text_(text), path_(path) {}

  // Whether nothing but blanks and line ends stands at or behind a place.
  bool IsBehindTheEnd(int line, int column) const;
  // Without its line end. `line` is from 1; empty beyond the last.
  std::string_view Line(int line) const;
  // Whatever the file's values hold, message and hint are one line each.
  Diagnostic ErrorAt(int line, int column, int length, const std::string& message,
                     const std::string& hint) const;

 private:
  static constexpr size_t kLongestShown = 200;

  size_t LineStart(int line) const;
  // The line as a terminal may print it: no control characters, and nothing for a place far out on
  // a long one.
  std::string Shown(int line, int column) const;

  std::string_view text_, path_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_SOURCE_TEXT_H_
