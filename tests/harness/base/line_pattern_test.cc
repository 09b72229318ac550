#include "harness/base/line_pattern.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace trireme {
namespace {

std::optional<std::string> Find(const std::string& pattern, const std::string& line) {
  return LinePattern::Parse(pattern)->Find(line);
}

TEST(LinePatternTest, FindsItsFirstGroupOrTheWhole) {
  EXPECT_EQ(Find("answer (\\d+)", "the answer 42 of 43"), "42");
  EXPECT_EQ(Find("answer \\d+", "the answer 42 of 43"), "answer 42");
  EXPECT_EQ(Find("^a|b(c)", "a"), "a");  // the group took no part
  EXPECT_EQ(Find("(x*)$", "a"), "");
}

TEST(LinePatternTest, FindsNothingWhereNothingMatches) {
  EXPECT_EQ(Find("^answer", "the answer"), std::nullopt);
  EXPECT_EQ(Find("x", ""), std::nullopt);
}

TEST(LinePatternTest, LooksThroughTheLongestLine) {
  const std::string line(LinePattern::kLongestLine, 'a');
  EXPECT_EQ(Find("(?:a|b)*", line), line);
  EXPECT_EQ(Find("(a+)+b", line), std::nullopt);
}

TEST(LinePatternTest, RejectsWhatIsNoRegularExpression) {
  EXPECT_EQ(LinePattern::Parse("a(b").error().message,
            "'a(b' is not a regular expression: missing ): a(b");
  EXPECT_EQ(LinePattern::Parse("(a)\\1").error().message,
            "'(a)\\1' is not a regular expression: invalid escape sequence: \\1");
}

TEST(LinePatternTest, TakesBytesOfAnyEncoding) {
  EXPECT_EQ(Find("x(.)y", "x\xffy"), "\xff");
  EXPECT_EQ(Find("x(\u00e9)y", "x\xc3\xa9y"), std::optional<std::string>("\xc3\xa9"));
  EXPECT_EQ(Find("x(.)", "x\xc3\xa9y"), std::optional<std::string>("\xc3\xa9"));
  EXPECT_EQ(Find("x(.)", "x\xc3\xa9y\xff"), std::optional<std::string>("\xc3"));
}

}  // namespace
}  // namespace trireme
