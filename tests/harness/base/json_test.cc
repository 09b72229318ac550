#include "harness/base/json.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(TextsOfTest, AcceptsAnArrayOfTextsAndALoneText) {
  EXPECT_EQ(TextsOf({"a", "b"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(TextsOf("a"), std::vector<std::string>{"a"});
}

TEST(TextsOfTest, PassesOverWhatIsNoText) {
  EXPECT_EQ(TextsOf(Json::array({"a", 1, nullptr, Json::array({"b"})})),
            std::vector<std::string>{"a"});
  EXPECT_TRUE(TextsOf(nullptr).empty());
  EXPECT_TRUE(TextsOf(Json({{"a", "b"}})).empty());
}

}  // namespace
}  // namespace trireme
