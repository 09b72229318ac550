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

TEST(DurationTest, ReadsEachUnit) {
  EXPECT_EQ(ParseDurationNanoseconds("20ms"), 20'000'000);
  EXPECT_EQ(ParseDurationNanoseconds("1.5m"), 90'000'000'000);
  EXPECT_EQ(ParseDurationNanoseconds("3"), 3'000'000'000);
}

TEST(DurationTest, RefusesWhatIsNone) {
  for (const char* text : {"", "ms", "-1s", "1 s", "1d", "1e3s", "9999999999h", "nan", "."})
    EXPECT_EQ(ParseDurationNanoseconds(text), std::nullopt) << text;
}

TEST(ToValidUtf8Test, ReplacesEachBrokenByte) {
  EXPECT_EQ(ToValidUtf8("a\xff\xc3\xa9"), "a\xEF\xBF\xBD\xc3\xa9");
  EXPECT_EQ(ToValidUtf8("\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(JsonTest, RefusesABombOfBrackets) {
  EXPECT_FALSE(ParseJson(std::string(100000, '['), "x").ok());
  EXPECT_TRUE(ParseJson(R"({"a": "[[[["})", "x").ok());
}

}  // namespace
}  // namespace trireme
