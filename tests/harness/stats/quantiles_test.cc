#include "harness/stats/quantiles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace trireme {
namespace {

Quantiles UpTo(int count) {
  Quantiles quantiles;
  for (int i = 1; i <= count; ++i) quantiles.Add(i);
  return quantiles;
}

TEST(QuantilesTest, IsExactForFewSamples) {
  const Quantiles quantiles = UpTo(100);
  EXPECT_EQ(quantiles.count(), 100);
  EXPECT_EQ(quantiles.At(0.5), 50);
  EXPECT_EQ(quantiles.At(0.99), 99);
  EXPECT_EQ(quantiles.At(0), 1);
  EXPECT_EQ(quantiles.At(1), 100);
}

TEST(QuantilesTest, StaysWithinOnePercentForMany) {
  const Quantiles quantiles = UpTo(100'000);
  EXPECT_NEAR(quantiles.At(0.5) / 50'000, 1, 0.011);
  EXPECT_NEAR(quantiles.At(0.99) / 99'000, 1, 0.011);
  EXPECT_EQ(quantiles.min(), 1);
  EXPECT_EQ(quantiles.max(), 100'000);
}

TEST(QuantilesTest, OrdersNegativeNumbersAndZero) {
  Quantiles quantiles;
  for (int i = 0; i < 9000; ++i) quantiles.Add(i % 3 - 1);
  EXPECT_NEAR(quantiles.At(0.2), -1, 0.02);
  EXPECT_EQ(quantiles.At(0.5), 0);
  EXPECT_NEAR(quantiles.At(0.9), 1, 0.02);
}

TEST(QuantilesTest, IgnoresWhatIsNoNumber) {
  Quantiles quantiles;
  quantiles.Add(std::nan(""));
  quantiles.Add(std::numeric_limits<double>::infinity());
  EXPECT_EQ(quantiles.count(), 0);
  EXPECT_EQ(quantiles.At(0.5), 0);
}

}  // namespace
}  // namespace trireme
