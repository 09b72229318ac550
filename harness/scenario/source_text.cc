#include "harness/scenario/source_text.h"

#include <utility>

#include "harness/base/terminal_text.h"

namespace trireme {

size_t SourceText::LineStart(int line) const {
  size_t start = 0;
  for (int i = 1; i < line; ++i) {
    const size_t end = text_.find('\n', start);
    if (end == std::string_view::npos) return text_.size();
    start = end + 1;
  }
  return start;
}

bool SourceText::IsBehindTheEnd(int line, int column) const {
  const size_t at = LineStart(line) + static_cast<size_t>(column - 1);
  return at >= text_.size() || text_.find_first_not_of(" \t\r\n", at) == std::string_view::npos;
}

std::string_view SourceText::Line(int line) const {
  if (line < 1) return "";
  std::string_view rest = text_.substr(LineStart(line));
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

std::string SourceText::Shown(int line, int column) const {
  if (static_cast<size_t>(column) > kLongestShown) return "";
  return TerminalText(Line(line).substr(0, 2 * kLongestShown), "\t");
}

Diagnostic SourceText::ErrorAt(int line, int column, int length, const std::string& message,
                               const std::string& hint) const {
  return {.file = std::string(path_),
          .line = line,
          .column = column,
          .length = length,
          .source_line = Shown(line, column),
          .message = TerminalText(message),
          .hint = TerminalText(hint)};
}

}  // namespace trireme
