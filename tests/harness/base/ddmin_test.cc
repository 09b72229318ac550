#include "harness/base/ddmin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <set>

namespace trireme {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Subset = std::vector<size_t>;

SubsetOutcome FailsIf(bool fails) { return fails ? SubsetOutcome::kFails : SubsetOutcome::kPasses; }

bool HasAll(const Subset& subset, std::initializer_list<size_t> wanted) {
  return std::includes(subset.begin(), subset.end(), wanted.begin(), wanted.end());
}

TEST(DdminTest, FindsTheOneThatMatters) {
  const Minimum found = Ddmin(1000, [](const Subset& s) { return FailsIf(HasAll(s, {617})); });
  EXPECT_TRUE(found.reproduced);
  EXPECT_FALSE(found.stopped);
  EXPECT_THAT(found.kept, ElementsAre(617));
  EXPECT_LE(found.tests, 2U + 2 * 10) << "halving needs two tests a step at most";
}

TEST(DdminTest, FindsTwoThatOnlyFailTogether) {
  const Minimum found = Ddmin(64, [](const Subset& s) { return FailsIf(HasAll(s, {3, 60})); });
  EXPECT_THAT(found.kept, ElementsAre(3, 60));
}

TEST(DdminTest, KeepsAllWhereAllAreNeeded) {
  const Minimum found = Ddmin(7, [](const Subset& s) { return FailsIf(s.size() == 7); });
  EXPECT_THAT(found.kept, SizeIs(7));
}

// More faults may hide a failure: what is found is still 1-minimal.
TEST(DdminTest, IsOneMinimalWhereTheFailureIsNotMonotone) {
  const auto fails = [](const Subset& s) {
    return HasAll(s, {2, 5, 11}) || (HasAll(s, {4}) && s.size() % 3 == 1);
  };
  const Minimum found = Ddmin(16, [&](const Subset& s) { return FailsIf(fails(s)); });
  EXPECT_TRUE(fails(found.kept));
  for (const size_t one : found.kept) {
    Subset less = found.kept;
    std::erase(less, one);
    EXPECT_FALSE(fails(less)) << "without " << one;
  }
}

TEST(DdminTest, SaysThatAllOfItDoesNotFail) {
  const Minimum found = Ddmin(9, [](const Subset&) { return SubsetOutcome::kPasses; });
  EXPECT_FALSE(found.reproduced);
  EXPECT_EQ(found.tests, 1U);
}

TEST(DdminTest, NeedsNothingWhereNothingFailsAsWell) {
  const Minimum found = Ddmin(9, [](const Subset&) { return SubsetOutcome::kFails; });
  EXPECT_TRUE(found.reproduced);
  EXPECT_THAT(found.kept, IsEmpty());
  EXPECT_EQ(found.tests, 2U);
}

TEST(DdminTest, KeepsWhatFailedLastWhenItIsStopped) {
  size_t left = 4;
  const Minimum found = Ddmin(100, [&](const Subset& s) {
    return left-- == 0 ? SubsetOutcome::kStop : FailsIf(HasAll(s, {42}));
  });
  EXPECT_TRUE(found.reproduced);
  EXPECT_TRUE(found.stopped);
  EXPECT_EQ(found.tests, 4U);
  EXPECT_THAT(found.kept, ::testing::Contains(42));
  EXPECT_LT(found.kept.size(), 100U);
}

TEST(DdminTest, TriesNoSubsetTwice) {
  std::set<Subset> seen;
  Ddmin(12, [&](const Subset& s) {
    EXPECT_TRUE(seen.insert(s).second);
    return FailsIf(HasAll(s, {1, 6, 7}));
  });
}

}  // namespace
}  // namespace trireme
