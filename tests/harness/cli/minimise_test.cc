#include "harness/cli/minimise.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(MinimiseTest, RunsMoreTrialsTheRarerAFailureIs) {
  EXPECT_EQ(TrialsToSeeOnce(5, 5), 1);
  EXPECT_EQ(TrialsToSeeOnce(4, 5), 3) << "0.2^3 is below 0.01, 0.2^2 is not";
  EXPECT_EQ(TrialsToSeeOnce(1, 2), 7);
  EXPECT_EQ(TrialsToSeeOnce(1, 5), 21);
}

RepeatRequest After(int64_t run, int64_t failed, int64_t decided) {
  return MoreOfTheWhole({.run = run, .failed = failed, .decided = decided});
}

TEST(MinimiseTest, RunsTheWholeFiveTimes) {
  EXPECT_EQ(After(0, 0, 0).times, 5);
  EXPECT_EQ(After(5, 5, 5).times, 0) << "it failed each time";
  EXPECT_EQ(After(5, 3, 3).times, 0) << "in each that was decided";
  EXPECT_EQ(After(5, 0, 0).times, 0) << "none was decided";
}

TEST(MinimiseTest, RunsTheWholeOnUntilItFails) {
  const RepeatRequest more = After(5, 0, 5);
  EXPECT_EQ(more.times, 39) << "0.9^44 is below 0.01";
  EXPECT_TRUE(more.until_shown);
  EXPECT_EQ(After(44, 0, 44).times, 0);
}

TEST(MinimiseTest, CountsHowOftenTheWholeFailsInTwentyTrials) {
  const RepeatRequest more = After(5, 4, 5);
  EXPECT_EQ(more.times, 15);
  EXPECT_FALSE(more.until_shown);
  EXPECT_EQ(After(12, 1, 12).times, 8);
  EXPECT_EQ(After(30, 1, 30).times, 0);
}

}  // namespace
}  // namespace trireme
