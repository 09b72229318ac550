#include "harness/base/line_pattern.h"

#include <utility>

namespace trireme {

Result<LinePattern> LinePattern::Parse(const std::string& text) {
  try {
    return LinePattern(text, std::regex(text));
  } catch (const std::regex_error&) {  // whose texts speak of the library
    return UsageError("'" + text + "' is not a regular expression");
  }
}

std::optional<std::string> LinePattern::Find(const std::string& line) const {
  std::smatch match;
  try {
    if (!std::regex_search(line, match, regex_)) return std::nullopt;
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
  return match[match.size() > 1 && match[1].matched ? 1 : 0].str();
}

}  // namespace trireme
