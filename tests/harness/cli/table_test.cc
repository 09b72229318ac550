#include "harness/cli/table.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(FormatTableTest, AlignsColumnsAndWrapsTheLast) {
  EXPECT_EQ(FormatTable({{"a", "one two three four five six"}, {"longer", "seven"}}, 24),
            "a       one two three four five\n"
            "        six\n"
            "longer  seven\n");
}

TEST(FormatTableTest, IsEmptyWithoutRows) { EXPECT_EQ(FormatTable({}, 80), ""); }

TEST(WrapTest, LeavesAWordThatDoesNotFitWhole) {
  const std::string word(40, 'x');
  EXPECT_EQ(Wrap("a " + word + " b", 30, 2), "  a\n  " + word + "\n  b\n");
}

TEST(WrapTest, MakesALineOfNothing) { EXPECT_EQ(Wrap("", 80, 2), "  \n"); }

}  // namespace
}  // namespace trireme
