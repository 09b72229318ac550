#include "harness/fault/time.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

Fault TimeFaultWith(const Json& members) {
  return {.name = "clock", .seed = {}, .key = "time", .members = members};
}

std::string ErrorOfTime(const Json& members) {
  const Result<TimeFault> read = ReadTimeFault(TimeFaultWith(members));
  return read.ok() ? "no error" : read.error().message;
}

trireme_clock_fault Compiled(const Json& members) {
  const Result<TimeFault> read = ReadTimeFault(TimeFaultWith(members));
  EXPECT_TRUE(read.ok());
  return ClockFaultOf(*read, 7);
}

TEST(TimeFaultTest, MovesTheWallClockByDefault) {
  const trireme_clock_fault clock = Compiled({{"jump", -5}, {"after", 10}});
  EXPECT_EQ(clock.from, 10U);
  EXPECT_EQ(clock.until, 0U);
  EXPECT_EQ(clock.jump, -5);
  EXPECT_EQ(clock.rate, 1'000'000'000U);
  EXPECT_EQ(clock.clocks, 1U);
  EXPECT_EQ(clock.fault, 7U);
  EXPECT_EQ(clock.late, 0U);
}

TEST(TimeFaultTest, EndsAfterItsTime) {
  EXPECT_EQ(Compiled({{"jump", 5}, {"after", 10}, {"for", 3}}).until, 13U);
  EXPECT_EQ(ErrorOfTime({{"jump", 5}, {"for", 0}}), "clock: a fault `for` no time is none");
}

TEST(TimeFaultTest, MovesTheClocksThatItNames) {
  EXPECT_EQ(Compiled({{"rate", 0.5}, {"clocks", {"monotonic"}}}).clocks, 2U);
  EXPECT_EQ(Compiled({{"rate", 2}, {"clocks", {"realtime", "monotonic"}}}).rate, 2'000'000'000U);
  EXPECT_EQ(Compiled({{"jump", 5}, {"clocks", {"realtime", "monotonic"}}}).clocks, 3U);
  EXPECT_EQ(Compiled({{"jump", 5}, {"clocks", "both"}}).clocks, 3U);
  EXPECT_EQ(ErrorOfTime({{"jump", 5}, {"clocks", {"boottime"}}}),
            "clock: no clock is called 'boottime'");
  EXPECT_EQ(ErrorOfTime({{"jump", 5}, {"clocks", Json::array()}}),
            "clock: `clocks` names none");
}

TEST(TimeFaultTest, NeverMovesTheMonotonicClockBack) {
  for (const Json& clocks : {Json("monotonic"), Json("both")}) {
    EXPECT_EQ(ErrorOfTime({{"jump", -1}, {"clocks", clocks}}),
              "clock: CLOCK_MONOTONIC never goes back");
    EXPECT_EQ(ErrorOfTime({{"jump", 1}, {"clocks", clocks}, {"for", 5}}),
              "clock: after it CLOCK_MONOTONIC would go back to the true time; it never goes back");
    EXPECT_EQ(ErrorOfTime({{"rate", 1.5}, {"clocks", clocks}, {"for", 5}}),
              "clock: after it CLOCK_MONOTONIC would go back to the true time; it never goes back");
    EXPECT_EQ(ErrorOfTime({{"rate", 0.5}, {"clocks", clocks}, {"for", 5}}), "no error");
    EXPECT_EQ(ErrorOfTime({{"jump", 1}, {"clocks", clocks}}), "no error");
  }
  EXPECT_EQ(ErrorOfTime({{"jump", -1}, {"clocks", "realtime"}, {"for", 5}}), "no error");
}

TEST(TimeFaultTest, DelaysTimersWithoutMovingAClock) {
  const trireme_clock_fault clock = Compiled({{"late", 50}});
  EXPECT_EQ(clock.late, 50U);
  EXPECT_EQ(clock.clocks, 0U);
  EXPECT_EQ(
      ErrorOfTime({{"late", 50}, {"clocks", {"realtime"}}}),
      "clock: `clocks` says which of them jump, and none does: `late` is of all timers");
}

TEST(TimeFaultTest, RejectsWhatChangesNoClock) {
  EXPECT_EQ(ErrorOfTime({{"after", 50}}), "clock: it changes no clock");
  EXPECT_EQ(ErrorOfTime({{"rate", 1.0}}), "clock: it changes no clock");
}

TEST(TimeFaultTest, AcceptsTheSlowestRateAndRejectsASlowerOne) {
  EXPECT_EQ(ErrorOfTime({{"rate", 0.001}}), "no error");
  for (const double rate : {0.0009, 1001.0})
    EXPECT_EQ(ErrorOfTime({{"rate", rate}}),
              "clock: `rate` is how fast a clock runs, from 0.001 to 1000");
}

TEST(TimeFaultTest, TakesAsManyClocksAsTheProbe) {
  CompiledPlan plan;
  const Fault fault = TimeFaultWith({{"jump", 5}});
  for (uint32_t number = 1; number <= TRIREME_PLAN_CLOCKS; ++number)
    EXPECT_TRUE(CompileTimeFault(fault, number, 0, plan).ok());
  EXPECT_EQ(plan.block.clocks, 4U);
  EXPECT_EQ(plan.block.clock[3].fault, 4U);
  const Status fifth = CompileTimeFault(fault, 5, 0, plan);
  ASSERT_FALSE(fifth.ok());
  EXPECT_EQ(fifth.error().message,
            "clock: a plan has at most 4 faults of time, this is one more");
}

}  // namespace
}  // namespace trireme
