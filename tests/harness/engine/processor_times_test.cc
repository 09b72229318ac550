#include "harness/engine/processor_times.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

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

TEST(ProcessorTimesTest, WhoIsHeldToOneProcessorMayNotUseAll) {
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "there is one processor only";
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  CPU_ZERO(&one);
  for (int i = 0; CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_FALSE(MayUseAllProcessors());
  ASSERT_EQ(::sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace trireme
