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
  EXPECT_EQ(Find("(a+)+b", std::string(20, 'a')), std::nullopt);
}

TEST(LinePatternTest, RejectsWhatIsNoRegularExpression) {
  EXPECT_EQ(LinePattern::Parse("a(b").error().message, "'a(b' is not a regular expression");
}

}  // namespace
}  // namespace trireme
