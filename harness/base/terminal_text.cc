#include "harness/base/terminal_text.h"

#include <cstddef>

#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned ByteAt(std::string_view text, size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
}

// U+0080 to U+009F.
bool IsC1(std::string_view text, size_t i) {
  return ByteAt(text, i) == 0xC2 && ByteAt(text, i + 1) < 0xA0;
}

// U+061C, U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F and U+FEFF: the bytes that it takes, else 0.
size_t MarkLength(std::string_view text, size_t i) {
  const unsigned first = ByteAt(text, i);
  const unsigned second = ByteAt(text, i + 1);
  const unsigned third = ByteAt(text, i + 2);
  if (first == 0xD8) return second == 0x9C ? 2 : 0;
  if (first == 0xEF) return second == 0xBB && third == 0xBF ? 3 : 0;
  if (first != 0xE2) return 0;
  const bool general =
      second == 0x80 && ((third >= 0x8B && third <= 0x8F) || (third >= 0xA8 && third <= 0xAE));
  const bool isolate = second == 0x81 && third >= 0xA0 && third <= 0xAF;
  return general || isolate ? 3 : 0;
}

}  // namespace

std::string TerminalText(std::string_view text, std::string_view kept) {
  const std::string valid = ToValidUtf8(text);
  std::string out;
  out.reserve(valid.size());
  for (size_t i = 0; i < valid.size(); ++i) {
    const unsigned byte = ByteAt(valid, i);
    const bool control = (byte < 0x20 || byte == 0x7F) && kept.find(valid[i]) == kept.npos;
    if (control) {
      out += '?';
    } else if (IsC1(valid, i)) {
      out += '?';
      ++i;
    } else if (const size_t length = MarkLength(valid, i); length > 0) {
      out += kReplacement;
      i += length - 1;
    } else {
      out += valid[i];
    }
  }
  return out;
}

}  // namespace trireme
