#include "harness/check/wire_variation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

WireVariation Likely(WireRule rule, const std::vector<std::string>& trials) {
  return VariationOf(rule, trials, Variation::kLikely);
}

std::set<std::string> CertainLines(const std::vector<std::string>& trials) {
  return VariationOf(WireRule::kLines, trials, Variation::kCertain).fields;
}

TEST(VariationOfTest, IsWhatIsAnotherInEachTrial) {
  EXPECT_THAT(Likely(WireRule::kLines, {"a\n1\n", "a\n2\n", "a\n3\n"}).fields,
              ElementsAre("line 000002"));
  EXPECT_THAT(Likely(WireRule::kExact, {"a1", "a2", "a3"}).bytes, ElementsAre(false, true));
}

TEST(VariationOfTest, IsNotWhatOneTrialOfFourHasOtherwise) {
  EXPECT_THAT(Likely(WireRule::kLines, {"a\n", "a\n", "a\n", "b\n"}).fields, IsEmpty());
  EXPECT_THAT(Likely(WireRule::kExact, {"a", "a", "a", "b"}).bytes, ElementsAre(false));
}

TEST(VariationOfTest, IsWhatSomeTrialsHaveAlikeByChance) {
  EXPECT_THAT(Likely(WireRule::kLines, {"1\n", "2\n", "1\n", "3\n"}).fields,
              ElementsAre("line 000001"));
}

TEST(VariationOfTest, CountsTrialsThatHaveIt) {
  EXPECT_THAT(Likely(WireRule::kLines, {"a\n1\n", "a\n", "a\n"}).fields, IsEmpty());
  EXPECT_THAT(Likely(WireRule::kLines, {"a\n1\n", "a\n2\n", "a\n"}).fields,
              ElementsAre("line 000002"));
  EXPECT_THAT(Likely(WireRule::kLines, {}).fields, IsEmpty());
}

// Of two or three trials, one that a fault has hit disagrees with most of them, too.
TEST(VariationOfTest, IsCertainWhereNearlyAllDisagree) {
  EXPECT_THAT(CertainLines({"1\n", "2\n", "3\n"}), ElementsAre("line 000001"));
  EXPECT_THAT(CertainLines({"1\n", "2\n", "1\n", "3\n"}), ElementsAre("line 000001"));
  EXPECT_THAT(CertainLines({"a\n", "b\n"}), IsEmpty());
  EXPECT_THAT(CertainLines({"a\n", "a\n", "b\n"}), IsEmpty());
  EXPECT_THAT(CertainLines({"a\n", "a\n", "a\n", "b\n", "b\n"}), IsEmpty());
}

}  // namespace
}  // namespace trireme
