#include "harness/base/diagnostic.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(DiagnosticTest, PointsAtThePlaceAndSaysWhatToDo) {
  const Diagnostic diagnostic = {.file = "lost-update/scenario.yaml",
                                 .line = 4,
                                 .column = 12,
                                 .length = 7,
                                 .source_line = "runtimes: [evenlet, threading]",
                                 .message = "unknown runtime 'evenlet'",
                                 .hint = "did you mean 'eventlet'?"};
  EXPECT_EQ(diagnostic.Render(),
            "lost-update/scenario.yaml:4:12: error: unknown runtime 'evenlet'\n"
            "runtimes: [evenlet, threading]\n"
            "           ^~~~~~~\n"
            "hint: did you mean 'eventlet'?\n");
}

TEST(DiagnosticTest, KeepsTabsBeforeTheCaret) {
  const Diagnostic diagnostic = {
      .file = "a", .line = 1, .column = 2, .length = 1, .source_line = "\tx", .message = "m"};
  EXPECT_EQ(diagnostic.Render(), "a:1:2: error: m\n\tx\n\t^\n");
}

TEST(DiagnosticTest, CountsCharactersAndNotBytes) {
  const Diagnostic diagnostic = {.file = "a",
                                 .line = 1,
                                 .column = 4,
                                 .length = 3,
                                 .source_line = "\u00e9 \u00e9x",
                                 .message = "m"};
  EXPECT_EQ(diagnostic.Render(), "a:1:4: error: m\n\u00e9 \u00e9x\n  ^~\n");
}

TEST(DiagnosticTest, ShowsOfALongLineWhatIsAroundThePlace) {
  Diagnostic diagnostic = {.file = "a", .line = 1, .column = 1001, .length = 2, .message = "m"};
  diagnostic.source_line = std::string(1000, 'x') + "ab" + std::string(1000, 'y');
  EXPECT_EQ(diagnostic.Render(), "a:1:1001: error: m\n..." + std::string(60, 'x') + "ab" +
                                     std::string(98, 'y') + "...\n" + std::string(63, ' ') +
                                     "^~\n");
  diagnostic.column = 3;
  EXPECT_EQ(diagnostic.Render(), "a:1:3: error: m\n" + std::string(160, 'x') + "...\n  ^~\n");
  diagnostic.column = 2001;
  EXPECT_EQ(diagnostic.Render(), "a:1:2001: error: m\n..." + std::string(160, 'y') + "\n" +
                                     std::string(161, ' ') + "^~\n");
}

TEST(DiagnosticTest, UnderlinesNoFurtherThanTheLine) {
  const Diagnostic diagnostic = {
      .file = "a", .line = 1, .column = 2, .length = 99, .source_line = "abc", .message = "m"};
  EXPECT_EQ(diagnostic.Render(), "a:1:2: error: m\nabc\n ^~\n");
}

}  // namespace
}  // namespace trireme
