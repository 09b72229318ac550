#include "harness/engine/processor_times.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(ProcessorTimesTest, ReadsTheFirstLine) {
  const auto times =
      ParseProcessorTimes("cpu  10 1 20 300 7 2 3 4 5 6\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
  ASSERT_TRUE(times);
  EXPECT_EQ(times->idle, 300u);
  EXPECT_EQ(times->total, 347u);  // guests are counted with users
}

TEST(ProcessorTimesTest, RefusesWhatIsNone) {
  for (const char* text :
       {"", "cpu", "cpu  1 2 3\n", "cpu  a b c d e f g h\n", "intr 1 2 3 4 5 6 7 8\n"})
    EXPECT_FALSE(ParseProcessorTimes(text)) << text;
}

}  // namespace
}  // namespace trireme
