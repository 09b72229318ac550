#include "harness/engine/adaptive_concurrency.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

constexpr bool kFull = true;

// `idle` of 100 ticks a sample, so many times.
void Pass(AdaptiveConcurrency& concurrency, uint64_t idle, int samples, bool full = kFull) {
  static ProcessorTimes now;
  for (int i = 0; i < samples; ++i) {
    concurrency.Sample(now, full);
    now.idle += idle;
    now.total += 100;
  }
  concurrency.Sample(now, full);
}

TEST(AdaptiveConcurrencyTest, BeginsWithTheLeast) {
  AdaptiveConcurrency concurrency(2, 16);
  EXPECT_EQ(concurrency.limit(), 2);
  EXPECT_TRUE(concurrency.adapts());
}

TEST(AdaptiveConcurrencyTest, GrowsToTheMostWhileProcessorsAreIdle) {
  AdaptiveConcurrency concurrency(2, 16);
  Pass(concurrency, 90, 2);
  EXPECT_GT(concurrency.limit(), 2);
  Pass(concurrency, 90, 20);
  EXPECT_EQ(concurrency.limit(), 16);
}

TEST(AdaptiveConcurrencyTest, StaysWhileAllProcessorsAreUsed) {
  AdaptiveConcurrency concurrency(2, 16);
  Pass(concurrency, 0, 50);
  EXPECT_EQ(concurrency.limit(), 2);
}

TEST(AdaptiveConcurrencyTest, StaysWhileFewerRunThanMay) {
  AdaptiveConcurrency concurrency(2, 16);
  Pass(concurrency, 90, 50, !kFull);
  EXPECT_EQ(concurrency.limit(), 2);
}

TEST(AdaptiveConcurrencyTest, ShrinksOnceOthersUseTheProcessorsWhoeverRuns) {
  AdaptiveConcurrency concurrency(2, 16);
  Pass(concurrency, 90, 20);
  Pass(concurrency, 0, 3, !kFull);
  EXPECT_LT(concurrency.limit(), 16);
  Pass(concurrency, 0, 50, !kFull);
  EXPECT_EQ(concurrency.limit(), 2);
}

TEST(AdaptiveConcurrencyTest, NeverAdaptsWhereNoMoreMayRun) {
  AdaptiveConcurrency concurrency(4, 0);
  Pass(concurrency, 100, 50);
  EXPECT_EQ(concurrency.limit(), 4);
  EXPECT_FALSE(concurrency.adapts());
}

TEST(AdaptiveConcurrencyTest, TakesNoTimesThatGoBack) {
  AdaptiveConcurrency concurrency(2, 16);
  concurrency.Sample({.idle = 500, .total = 1000}, kFull);
  concurrency.Sample({.idle = 400, .total = 1100}, kFull);
  EXPECT_EQ(concurrency.limit(), 2);
}

TEST(AdaptiveConcurrencyTest, WaitsForEnoughTicksToTell) {
  AdaptiveConcurrency concurrency(2, 16);
  ProcessorTimes now;
  for (int i = 0; i < 9; ++i) {
    concurrency.Sample(now, kFull);
    ++now.idle;
    ++now.total;
  }
  EXPECT_EQ(concurrency.limit(), 2);
}

}  // namespace
}  // namespace trireme
