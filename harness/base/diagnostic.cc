#include "harness/base/diagnostic.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "harness/base/terminal_text.h"

namespace trireme {
namespace {

// Whether a UTF-8 character begins with this byte.
bool BeginsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

constexpr size_t kWidest = 160;  // bytes of a line that are shown
constexpr size_t kBefore = 60;   // of them before the place, when the line is longer
constexpr const char* kCut = "...";

// The part of a long line around the place, so that the caret stays on the screen.
Diagnostic WithoutFarText(Diagnostic diagnostic) {
  std::string& text = diagnostic.source_line;
  if (text.size() <= kWidest) return diagnostic;
  const size_t place = static_cast<size_t>(std::max(diagnostic.column - 1, 0));
  size_t begin = place <= kBefore ? 0 : std::min(place - kBefore, text.size() - kWidest);
  while (begin > 0 && !BeginsCharacter(text[begin])) --begin;
  size_t end = std::min(begin + kWidest, text.size());
  while (end < text.size() && !BeginsCharacter(text[end])) ++end;
  const bool cut = end < text.size();
  text = (begin > 0 ? kCut : "") + text.substr(begin, end - begin) + (cut ? kCut : "");
  if (begin > 0) diagnostic.column -= static_cast<int>(begin) - 3;
  return diagnostic;
}

// Columns count bytes, terminals characters. Tabs are kept so that the caret stands under its text
// whatever the tab width is.
std::string CaretLine(const Diagnostic& diagnostic) {
  const std::string& text = diagnostic.source_line;
  const size_t start =
      std::min(static_cast<size_t>(std::max(diagnostic.column - 1, 0)), text.size());
  const size_t end =
      std::min(start + static_cast<size_t>(std::max(diagnostic.length, 1)), text.size());
  std::string line;
  for (size_t i = 0; i < start; ++i)
    if (BeginsCharacter(text[i])) line += text[i] == '\t' ? '\t' : ' ';
  line += '^';
  for (size_t i = start + 1; i < end; ++i)
    if (BeginsCharacter(text[i])) line += '~';
  return line;
}

}  // namespace

std::string Diagnostic::Render() const {
  std::string out;
  if (!file.empty()) {
    out += TerminalText(file);
    if (line > 0) out += ':' + std::to_string(line);
    if (line > 0 && column > 0) out += ':' + std::to_string(column);
    out += ": ";
  }
  out += "error: " + TerminalText(message, "\n\t") + '\n';
  if (!source_line.empty()) {
    const Diagnostic shown = WithoutFarText(*this);
    out += TerminalText(shown.source_line, "\t") + '\n' + CaretLine(shown) + '\n';
  }
  if (!hint.empty()) out += "hint: " + TerminalText(hint, "\n\t") + '\n';
  return out;
}

Diagnostic UsageError(std::string message, std::string hint) {
  Diagnostic diagnostic;
  diagnostic.message = std::move(message);
  diagnostic.hint = std::move(hint);
  return diagnostic;
}

Diagnostic InfrastructureError(std::string message, std::string hint) {
  Diagnostic diagnostic = UsageError(std::move(message), std::move(hint));
  diagnostic.kind = ErrorKind::kInfrastructure;
  return diagnostic;
}

Diagnostic ErrnoError(const std::string& what, int error_number) {
  return InfrastructureError(what + ": " + std::strerror(error_number));
}

}  // namespace trireme
