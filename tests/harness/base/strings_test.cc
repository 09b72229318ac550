#include "harness/base/strings.h"

#include <gtest/gtest.h>

#include "harness/base/json.h"

namespace trireme {
namespace {

TEST(DidYouMeanTest, FindsANearWord) {
  const std::vector<std::string> words = {"threading", "eventlet"};
  EXPECT_EQ(DidYouMean("evenlet", words), "did you mean 'eventlet'?");
}

TEST(DidYouMeanTest, IsSilentWhenNothingIsNear) {
  const std::vector<std::string> words = {"threading", "eventlet"};
  EXPECT_EQ(DidYouMean("rust", words), "");
}

TEST(ShellQuoteTest, QuotesWhatAShellWouldChange) {
  EXPECT_EQ(ShellQuote("a=b.c/d"), "a=b.c/d");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's $x `y` !z"), "'it'\\''s $x `y` !z'");
  EXPECT_EQ(ShellQuote("é 日本"), "'é 日本'");
}

TEST(ShellQuoteTest, EscapesWhatATerminalWouldNotShow) {
  EXPECT_EQ(ShellQuote("two\nlines"), "$'two\\012lines'");
  EXPECT_EQ(ShellQuote("\x1b[1m it's \\ 7"), "$'\\033[1m it\\047s \\134 7'");
  EXPECT_EQ(ShellQuote("\u202e"), "$'\\342\\200\\256'");
  EXPECT_EQ(ShellQuote("\xff"), "$'\\377'");
}

TEST(DurationTest, ReadsEachUnit) {
  EXPECT_EQ(ParseDurationNanoseconds("20ms"), 20'000'000);
  EXPECT_EQ(ParseDurationNanoseconds("1.5m"), 90'000'000'000);
  EXPECT_EQ(ParseDurationNanoseconds("3"), 3'000'000'000);
}

TEST(DurationTest, RefusesWhatIsNone) {
  for (const char* text : {"", "ms", "-1s", "1 s", "1d", "1e3s", "9999999999h", "nan", "."})
    EXPECT_EQ(ParseDurationNanoseconds(text), std::nullopt) << text;
}

TEST(DurationTest, KnowsWhichAreTooLong) {
  for (const char* text : {"88889h", "9999999999h", "320000001"}) {
    EXPECT_TRUE(IsTooLongDuration(text)) << text;
    EXPECT_EQ(ParseDurationNanoseconds(text), std::nullopt) << text;
  }
  for (const char* text : {"88888h", "320000000", "soon", "-1h"})
    EXPECT_FALSE(IsTooLongDuration(text)) << text;
  EXPECT_EQ(FormatDuration(-kLongestDuration), "-88888h53m");
}

TEST(StringsTest, FormatsWhatRoundsUpToAThousandInTheNextUnit) {
  EXPECT_EQ(FormatDuration(999'499), "999us");
  EXPECT_EQ(FormatDuration(999'600), "1ms");
  EXPECT_EQ(FormatDuration(999'499'000), "999ms");
  EXPECT_EQ(FormatDuration(999'600'000), "1s");
}

TEST(ToValidUtf8Test, ReplacesEachBrokenByte) {
  EXPECT_EQ(ToValidUtf8("a\xff\xc3\xa9"), "a\xEF\xBF\xBD\xc3\xa9");
  EXPECT_EQ(ToValidUtf8("\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(JsonTest, RefusesABombOfBrackets) {
  EXPECT_FALSE(ParseJson(std::string(100000, '['), "x").ok());
  EXPECT_TRUE(ParseJson(R"({"a": "[[[["})", "x").ok());
}

TEST(BytesTest, AreReadWithAUnitButNotInPart) {
  EXPECT_EQ(ParseBytes("512"), 512);
  EXPECT_EQ(ParseBytes("512.0"), 512);
  EXPECT_EQ(ParseBytes("1.7GiB"), 1825361101);
  EXPECT_TRUE(IsTooManyBytes("9223372036854775807"));
  EXPECT_FALSE(IsTooManyBytes("1GiB"));
  EXPECT_FALSE(IsTooManyBytes("many"));
  for (const char* text : {"0.5", "1.5B", "4096.25"})
    EXPECT_EQ(ParseBytes(text), std::nullopt) << text;
}

}  // namespace
}  // namespace trireme
