#include "harness/base/json_salvage.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(SalvageJsonTest, ReadsAWholeText) {
  const SalvagedJson salvaged = SalvageJson(R"({"a": [1, -2, 0.5, true, null, "x"]})");
  EXPECT_EQ(DumpJson(salvaged.value), R"({"a":[1,-2,0.5,true,null,"x"]})");
  EXPECT_EQ(salvaged.damage, "");
}

TEST(SalvageJsonTest, ClosesWhatACutLeftOpen) {
  const SalvagedJson salvaged = SalvageJson(R"({"a": [1, {"b": 2, "c": )");
  EXPECT_EQ(DumpJson(salvaged.value), R"({"a":[1,{"b":2}]})");
  EXPECT_TRUE(salvaged.damage.starts_with("damaged at byte 25: ")) << salvaged.damage;
}

TEST(SalvageJsonTest, KeepsWhatStandsBeforeDamage) {
  EXPECT_EQ(DumpJson(SalvageJson("[1, 2, \xff, 3]").value), "[1,2]");
}

TEST(SalvageJsonTest, DropsHalfAText) {
  EXPECT_EQ(DumpJson(SalvageJson(R"(["one", "tw)").value), R"(["one"])");
}

TEST(SalvageJsonTest, IsNullForNothing) {
  EXPECT_TRUE(SalvageJson("").value.is_null());
  EXPECT_NE(SalvageJson("").damage, "");
}

TEST(SalvageJsonTest, StopsAtABombOfBrackets) {
  const SalvagedJson salvaged = SalvageJson(std::string(1'000'000, '['));
  EXPECT_EQ(salvaged.damage, "nested deeper than 200 levels");
}

}  // namespace
}  // namespace trireme
