#include "harness/base/terminal_text.h"

#include <gtest/gtest.h>

#include "harness/base/diagnostic.h"

namespace trireme {
namespace {

TEST(TerminalTextTest, LeavesWhatATerminalOnlyShows) {
  const std::string text = "caf\u00e9 \u4f60\u597d \U0001F600 ~\u00a0\u2014\u2070";
  EXPECT_EQ(TerminalText(text), text);
}

TEST(TerminalTextTest, ReplacesControlCharacters) {
  EXPECT_EQ(TerminalText(std::string_view("a\0b\x1b[31m\x7f\r\n\t", 12)), "a?b?[31m????");
  EXPECT_EQ(TerminalText("a\n\tb\x1b", "\n\t"), "a\n\tb?");
  EXPECT_EQ(TerminalText("\u0080a\u009b31m\u009f"), "?a?31m?");
}

TEST(TerminalTextTest, ReplacesMarksThatTurnOrHideText) {
  for (const char* mark :
       {"\u202a", "\u202e", "\u2066", "\u2069", "\u200b", "\u200f", "\u2028", "\u061c", "\ufeff"})
    EXPECT_EQ(TerminalText("a" + std::string(mark) + "b"),
              "a\ufffd"
              "b");
  EXPECT_EQ(TerminalText("\xff"), "\ufffd");
}

TEST(TerminalTextTest, IsWhatADiagnosticShows) {
  const Diagnostic diagnostic = {
      .file = "a\nb\x1b", .source_line = "", .message = "m\x1b[31m\u009b\nn", .hint = "h\u202e"};
  EXPECT_EQ(diagnostic.Render(), "a?b?: error: m?[31m?\nn\nhint: h\ufffd\n");
}

}  // namespace
}  // namespace trireme
