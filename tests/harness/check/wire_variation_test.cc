#include "harness/check/wire_variation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(VariationOfTest, IsWhatIsAnotherInEachTrial) {
  EXPECT_THAT(VariationOf(WireRule::kLines, {"a\n1\n", "a\n2\n", "a\n3\n"}).fields,
              ElementsAre("line 000002"));
  EXPECT_THAT(VariationOf(WireRule::kExact, {"a1", "a2", "a3"}).bytes, ElementsAre(false, true));
}

TEST(VariationOfTest, IsNotWhatOneTrialOfFourHasOtherwise) {
  EXPECT_THAT(VariationOf(WireRule::kLines, {"a\n", "a\n", "a\n", "b\n"}).fields, IsEmpty());
  EXPECT_THAT(VariationOf(WireRule::kExact, {"a", "a", "a", "b"}).bytes, ElementsAre(false));
}

TEST(VariationOfTest, IsWhatSomeTrialsHaveAlikeByChance) {
  EXPECT_THAT(VariationOf(WireRule::kLines, {"1\n", "2\n", "1\n", "3\n"}).fields,
              ElementsAre("line 000001"));
}

TEST(VariationOfTest, CountsTrialsThatHaveIt) {
  EXPECT_THAT(VariationOf(WireRule::kLines, {"a\n1\n", "a\n", "a\n"}).fields, IsEmpty());
  EXPECT_THAT(VariationOf(WireRule::kLines, {"a\n1\n", "a\n2\n", "a\n"}).fields,
              ElementsAre("line 000002"));
  EXPECT_THAT(VariationOf(WireRule::kLines, {}).fields, IsEmpty());
}

}  // namespace
}  // namespace trireme
