#include "harness/scenario/source_text.h"

#include <utility>

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

std::string_view SourceText::Line(int line) const {
  if (line < 1) return "";
  std::string_view rest = text_.substr(LineStart(line));
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

Diagnostic SourceText::ErrorAt(int line, int column, int length, std::string message,
                               std::string hint) const {
  return {.file = std::string(path_),
          .line = line,
          .column = column,
          .length = length,
          .source_line = std::string(Line(line)),
          .message = std::move(message),
          .hint = std::move(hint)};
}

}  // namespace trireme
