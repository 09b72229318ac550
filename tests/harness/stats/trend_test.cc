#include "harness/stats/trend.h"

#include <gtest/gtest.h>

#include <cmath>

namespace trireme {
namespace {

TEST(KendallSTest, CountsPairsThatRiseLessThoseThatFall) {
  EXPECT_EQ(KendallS({1, 2, 3}), 3);
  EXPECT_EQ(KendallS({3, 2, 1}), -3);
  EXPECT_EQ(KendallS({1, 3, 2}), 1);
  EXPECT_EQ(KendallS({1, 1, 2}), 2);
}

// One order of n! rises throughout, and n - 1 have one inversion.
TEST(RisingTrendTest, CountsThePermutationsThatRiseAsMuch) {
  EXPECT_NEAR(RisingTrend({1, 2, 3, 4}), 1.0 / 24, 1e-12);
  EXPECT_NEAR(RisingTrend({1, 2, 4, 3}), 4.0 / 24, 1e-12);
  EXPECT_NEAR(RisingTrend({4, 3, 2, 1}), 1, 1e-12);
}

// Hollander and Wolfe, Nonparametric Statistical Methods, table of Kendall's K for n = 10: 21 and 29.
TEST(RisingTrendTest, AgreesWithTheTables) {
  EXPECT_NEAR(RisingTrend({4, 3, 2, 1, 8, 7, 6, 5, 9, 10}), 0.036, 0.0005);
  EXPECT_NEAR(RisingTrend({3, 4, 1, 2, 5, 6, 9, 10, 7, 8}), 0.0046, 0.00005);
}

// {1, 2, 2, 3} has twelve orders, of which one rises; in {1, 1, 2, 2} one of six does.
TEST(RisingTrendTest, IsExactWithEqualValues) {
  EXPECT_NEAR(RisingTrend({1, 2, 2, 3}), 1.0 / 12, 1e-12);
  EXPECT_NEAR(RisingTrend({1, 1, 2, 2}), 1.0 / 6, 1e-12);
  EXPECT_NEAR(RisingTrend({1, 2, 1, 2}), 2.0 / 6, 1e-12);
  EXPECT_NEAR(RisingTrend({1, 1, 1, 1}), 1, 1e-12);
}

TEST(RisingTrendTest, CannotTellFromOneValueOrFromWhatIsNoNumber) {
  EXPECT_EQ(RisingTrend({}), 1);
  EXPECT_EQ(RisingTrend({1}), 1);
  EXPECT_EQ(RisingTrend({1, 2, 3, std::nan("")}), 1);
}

// 50! has 65 digits: 3.04e64.
TEST(RisingTrendTest, CutsASeriesThatIsTooLong) {
  std::vector<double> series;
  for (int i = 0; i < 5000; ++i) series.push_back(i);
  EXPECT_NEAR(std::log10(RisingTrend(series)), -64.48, 0.01);
}

}  // namespace
}  // namespace trireme
