#include "harness/check/shape.h"

#include <gtest/gtest.h>

#include "harness/base/strings.h"
#include "harness/check/results.h"

namespace trireme {
namespace {

std::string Problems(const Json& schema, const Json& value, size_t most = 10) {
  return Join(ShapeProblems(schema, value, "x", most), "\n");
}

TEST(ShapeTest, NamesTheMemberAndWhatBelongsThere) {
  const Json cell = {{"id", 7},
                     {"scenario", "s"},
                     {"runtime", "thread"},
                     {"trials", {0, -1, "2", 1.5, 2'000'000'000}},
                     {"checks", "leak"},
                     {"role", "spare"},
                     {"max_unknown", true}};
  EXPECT_EQ(Problems(PlannedCellShape(), cell),
            "x.expect: missing\n"
            "x.id: 7 where text belongs\n"
            "x.trials[1]: -1 is less than 0\n"
            "x.trials[2]: \"2\" where a whole number belongs\n"
            "x.trials[3]: 1.5 where a whole number belongs\n"
            "x.trials[4]: 2000000000 is more than 1000000000\n"
            "x.checks: \"leak\" where a list belongs\n"
            "x.role: \"spare\" is none of \"subject\", \"reference\"\n"
            "x.max_unknown: true where a number belongs");
}

TEST(ShapeTest, CountsWhatItDoesNotName) {
  const Json many = Json::array({{{"name", 1}}, {{"name", 2}}, {{"name", 3}}});
  const Json schema = GetMember(GetMember(PlannedCellShape(), "properties"), "checks");
  EXPECT_EQ(Problems(schema, many, 1), "x[0].name: 1 where text belongs\nand 2 more");
}

TEST(ShapeTest, HasNothingToSayOfWhatFits) {
  EXPECT_EQ(Problems(ResultsSchema(), RunResults().ToJson()), "");
}

}  // namespace
}  // namespace trireme
