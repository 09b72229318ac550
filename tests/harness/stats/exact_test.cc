#include "harness/stats/exact.h"

#include <gtest/gtest.h>

#include "harness/base/rng.h"

namespace trireme {
namespace {

// The whales and sharks of scipy.stats.fisher_exact's page: p = 0.03496503496503495.
TEST(FisherExactTest, AgreesWithScipy) {
  EXPECT_NEAR(FisherExact({.seen_here = 8, .not_here = 2, .seen_there = 1, .not_there = 5}),
              0.03496503496503495, 1e-12);
}

// R's fisher.test page: the tea taster (0.4857) and the convictions of twins (0.0005367).
TEST(FisherExactTest, AgreesWithR) {
  EXPECT_NEAR(FisherExact({.seen_here = 3, .not_here = 1, .seen_there = 1, .not_there = 3}),
              34.0 / 70.0, 1e-12);
  EXPECT_NEAR(FisherExact({.seen_here = 2, .not_here = 15, .seen_there = 10, .not_there = 3}),
              0.0005367241, 1e-9);
}

TEST(FisherExactTest, IsOneWhereNothingCanBeTold) {
  EXPECT_DOUBLE_EQ(FisherExact({}), 1);
  EXPECT_DOUBLE_EQ(FisherExact({.seen_here = 0, .not_here = 7, .seen_there = 0, .not_there = 3}),
                   1);
  EXPECT_DOUBLE_EQ(FisherExact({.seen_here = 1, .not_here = 0, .seen_there = 0, .not_there = 1}),
                   1);
}

TEST(FisherExactTest, StaysExactForThousands) {
  // 20 of 10,000 against none: 2 * C(10000, 20) / C(20000, 20), by Python's fractions.
  EXPECT_NEAR(
      FisherExact({.seen_here = 20, .not_here = 9980, .seen_there = 0, .not_there = 10000}) /
          1.8892970984e-6,
      1, 1e-6);
}

// scipy.stats.binomtest's page: 3 defects in 15, p = 0.1, alternative greater: 0.18406106910639114.
TEST(BinomialTest, AgreesWithScipy) {
  EXPECT_NEAR(BinomialAtLeast(3, 15, 0.1), 0.18406106910639114, 1e-12);
}

TEST(BinomialTest, KnowsTheEnds) {
  EXPECT_DOUBLE_EQ(BinomialAtLeast(0, 20, 0.5), 1);
  EXPECT_DOUBLE_EQ(BinomialAtMost(20, 20, 0.5), 1);
  EXPECT_NEAR(BinomialAtMost(0, 20, 0.1), 0.12157665459056935, 1e-12);  // 0.9^20
  EXPECT_DOUBLE_EQ(BinomialAtMost(3, 20, 0), 1);
  EXPECT_DOUBLE_EQ(BinomialAtMost(3, 20, 1), 0);
}

// R's binom.test page, Mendel's peas: 682 of 925 gives 0.7076683 to 0.7654066 at 95 %.
TEST(BinomialIntervalTest, AgreesWithR) {
  const Interval interval = BinomialInterval(682, 925, 0.95);
  EXPECT_NEAR(interval.low, 0.7076683, 1e-7);
  EXPECT_NEAR(interval.high, 0.7654066, 1e-7);
}

TEST(BinomialIntervalTest, ReachesTheEnds) {
  EXPECT_DOUBLE_EQ(BinomialInterval(0, 10, 0.95).low, 0);
  EXPECT_NEAR(BinomialInterval(0, 10, 0.95).high, 0.3084971, 1e-6);  // 1 - 0.025^(1/10)
  EXPECT_DOUBLE_EQ(BinomialInterval(10, 10, 0.95).high, 1);
  EXPECT_DOUBLE_EQ(BinomialInterval(0, 0, 0.95).high, 1);
}

TEST(FisherTrialsNeededTest, NamesTheFirstNumberThatRejects) {
  // All of n here and none there: 2 / C(2n, n) falls below 1 % at n = 5 (2/252), not at 4 (2/70).
  EXPECT_EQ(FisherTrialsNeeded(4, 4, 0.01), 5);
  EXPECT_EQ(FisherTrialsNeeded(0, 4, 0.01), 0);
}

TEST(FisherTrialsNeededTest, GrowsAsTheValueGetsRarer) {
  const int64_t needed = FisherTrialsNeeded(1, 20, 0.01);
  EXPECT_GT(needed, 100);
  EXPECT_LT(needed, 200);
}

TEST(RateTrialsNeededTest, CountsTheTrialsThatCouldRejectEitherEnd) {
  EXPECT_EQ(RateTrialsNeeded({.low = 0.02, .high = 1}, 0.01), 228);  // 0.98^228 = 0.00999
  EXPECT_EQ(RateTrialsNeeded({.low = 0, .high = 0.5}, 0.01), 7);     // 0.5^7 = 0.0078
  EXPECT_EQ(RateTrialsNeeded({.low = 0, .high = 1}, 0.01), 1);
  EXPECT_EQ(RateTrialsNeeded({.low = 1e-12, .high = 1}, 0.01), 0);
}

TEST(HolmRejectsTest, StepsDownUntilOneStands) {
  EXPECT_EQ(HolmRejects({0.01, 0.04, 0.03, 0.005}, 0.05),
            (std::vector<bool>{true, false, false, true}));
  EXPECT_EQ(HolmRejects({}, 0.05), std::vector<bool>{});
}

TEST(TestableTogetherTest, LeavesOutWhatCouldNeverBeRejected) {
  EXPECT_EQ(TestableTogether({0.004, 0.5, 1, 1}, 0.01),
            (std::vector<bool>{true, false, false, false}));
  EXPECT_EQ(TestableTogether({0.004, 0.001}, 0.01), (std::vector<bool>{true, true}));
  // Two that could pass 0.01, but of two corrected for together only one could.
  EXPECT_EQ(TestableTogether({0.006, 0.001}, 0.01), (std::vector<bool>{false, true}));
  EXPECT_TRUE(TestableTogether({}, 0.01).empty());
}

}  // namespace
}  // namespace trireme
