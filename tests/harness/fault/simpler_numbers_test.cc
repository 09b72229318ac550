#include "harness/fault/simpler_numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/harness/fault/fault_testing.h"

namespace trireme {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SimplerNumbersTest, HaveFewerDigits) {
  EXPECT_THAT(SimplerNumbers(256), ElementsAre(0, 1, 10, 100, 200, 250));
  EXPECT_THAT(SimplerNumbers(200), ElementsAre(0, 1, 10, 100));
  EXPECT_THAT(SimplerNumbers(13), ElementsAre(0, 1, 10));
  EXPECT_THAT(SimplerNumbers(7), ElementsAre(0, 1));
  EXPECT_THAT(SimplerNumbers(1), ElementsAre(0));
  EXPECT_THAT(SimplerNumbers(0), IsEmpty());
  EXPECT_THAT(SimplerNumbers(-5), IsEmpty());
  EXPECT_EQ(SimplerNumbers(std::numeric_limits<int64_t>::max()).back(), 9'200'000'000'000'000'000);
}

TEST(SimplerNumbersTest, MakePlansThatCanApply) {
  FaultPlan plan{.name = "p"};
  plan.faults = {SystemCall(R"({"call": ["recv"], "offset": 70})", R"({"short": 12})")};
  const auto lists = SimplerPlans(plan, 0);
  ASSERT_EQ(lists.size(), 2U);
  std::vector<int64_t> offsets, counts;
  for (const FaultPlan& one : lists[0]) offsets.push_back(GetInt(one.faults[0].at, "offset"));
  for (const FaultPlan& one : lists[1]) counts.push_back(GetInt(one.faults[0].members, "short"));
  EXPECT_THAT(offsets, ElementsAre(0, 1, 10));
  EXPECT_THAT(counts, ElementsAre(1, 10)) << "short: 0 does nothing";
}

}  // namespace
}  // namespace trireme
