#include "harness/base/line_pattern.h"

#include <re2/re2.h>

#include <array>
#include <utility>

namespace trireme {

Result<LinePattern> LinePattern::Parse(const std::string& text) {
  // Bytes, since the output of a program may be in any encoding.
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  auto pattern = std::make_shared<const RE2>(text, options);
  if (!pattern->ok())
    return UsageError("'" + text + "' is not a regular expression: " + pattern->error());
  return LinePattern(text, std::move(pattern));
}

std::optional<std::string> LinePattern::Find(const std::string& line) const {
  std::array<re2::StringPiece, 2> found;
  const int groups = pattern_->NumberOfCapturingGroups() > 0 ? 2 : 1;
  if (!pattern_->Match(line, 0, line.size(), RE2::UNANCHORED, found.data(), groups))
    return std::nullopt;
  // A group that took no part has no place.
  return (groups > 1 && found[1].data() != nullptr ? found[1] : found[0]).as_string();
}

}  // namespace trireme
