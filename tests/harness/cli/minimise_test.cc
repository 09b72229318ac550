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

}  // namespace
}  // namespace trireme
