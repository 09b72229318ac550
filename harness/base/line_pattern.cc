#include "harness/base/line_pattern.h"

#include <re2/re2.h>

#include <array>
#include <utility>

#include "harness/base/strings.h"

namespace trireme {

namespace {

std::shared_ptr<const RE2> Compile(const std::string& text, RE2::CannedOptions encoding) {
  RE2::Options options(encoding);
  options.set_log_errors(false);
  return std::make_shared<const RE2>(text, options);
}

}  // namespace

Result<LinePattern> LinePattern::Parse(const std::string& text) {
  auto of_characters = Compile(text, RE2::DefaultOptions);
  auto of_bytes = Compile(text, RE2::Latin1);
  for (const auto& pattern : {of_characters, of_bytes})
    if (!pattern->ok())
      return UsageError("'" + text + "' is not a regular expression: " + pattern->error());
  return LinePattern(text, std::move(of_characters), std::move(of_bytes));
}

std::optional<std::string> LinePattern::Find(const std::string& line) const {
  const RE2& pattern = IsValidUtf8(line) ? *of_characters_ : *of_bytes_;
  std::array<re2::StringPiece, 2> found;
  const int groups = pattern.NumberOfCapturingGroups() > 0 ? 2 : 1;
  if (!pattern.Match(line, 0, line.size(), RE2::UNANCHORED, found.data(), groups))
    return std::nullopt;
  // A group that took no part has no place.
  return (groups > 1 && found[1].data() != nullptr ? found[1] : found[0]).as_string();
}

}  // namespace trireme
