#include "harness/fault/task.h"

#include <gtest/gtest.h>

#include "harness/fault/compile.h"
#include "harness/fault/sweep.h"

namespace trireme {
namespace {

Fault TaskFaultOf(Json members) {
  return {.name = "stop", .key = "task", .members = std::move(members)};
}

TaskFault Read(Json members) {
  Result<TaskFault> read = ReadTaskFault(TaskFaultOf(std::move(members)));
  if (!read.ok()) {
    ADD_FAILURE() << read.error().message;
    return {};
  }
  return *std::move(read);
}

std::string Refusal(Json members) {
  const Result<TaskFault> read = ReadTaskFault(TaskFaultOf(std::move(members)));
  return read.ok() ? "" : read.error().message;
}

TEST(TaskFault, CancelsAtTheFirstPointAfterATime) {
  const TaskFault fault = Read({{"cancel", "reader-*"}, {"after", 10'000'000}});
  EXPECT_EQ(fault.task, "reader-*");
  EXPECT_FALSE(fault.timeout);
  EXPECT_EQ(fault.after, 10'000'000);
  EXPECT_EQ(fault.point, 0u);
  EXPECT_FALSE(fault.every_point);
}

TEST(TaskFault, TimesOutAtAPoint) {
  const TaskFault fault = Read({{"timeout", "1.2"}, {"point", 3}, {"times", 2}});
  EXPECT_TRUE(fault.timeout);
  EXPECT_EQ(fault.point, 3u);
  EXPECT_EQ(fault.times, 2u);
}

TEST(TaskFault, SweepsOverEveryPoint) {
  EXPECT_TRUE(Read({{"cancel", "*"}, {"sweep", "every-point"}}).every_point);
}

TEST(TaskFault, BeginsItsErrorsWithItsName) {
  EXPECT_EQ(Refusal({{"cancel", "*"}, {"sweep", "each"}}), "stop: there is no sweep \"each\"");
}

TEST(TaskFault, RefusesWhatCanNeverApplyAndWhatContradicts) {
  EXPECT_NE(Refusal(Json::object()), "");
  EXPECT_NE(Refusal({{"cancel", "a"}, {"timeout", "a"}}), "");
  EXPECT_NE(Refusal({{"cancel", ""}}), "");
  EXPECT_NE(Refusal({{"cancel", "a"}, {"point", 0}}), "");
  EXPECT_NE(Refusal({{"cancel", "a"}, {"point", 1}, {"after", 5}}), "");
  EXPECT_NE(Refusal({{"cancel", "a"}, {"sweep", "every-point"}, {"point", 1}}), "");
  EXPECT_NE(Refusal({{"cancel", "a"}, {"sweep", "every-point"}, {"times", 1}}), "");
  EXPECT_NE(Refusal({{"cancel", "a"}, {"times", 0}}), "");
  EXPECT_NE(Refusal({{"cancel", std::string(96, 'a')}}), "");
  EXPECT_EQ(Refusal({{"cancel", std::string(95, 'a')}}), "");
}

TEST(TaskFault, RefusesADamagedPlan) {
  EXPECT_NE(Refusal({{"cancel", 7}}), "");
  EXPECT_NE(Refusal({{"cancel", "a"}, {"point", -1}}), "");
  EXPECT_NE(Refusal({{"cancel", "a"}, {"after", "soon"}}), "");
}

TEST(TaskFault, IsFilledAsTheProbeWantsIt) {
  trireme_task_fault filled;
  FillTaskFault(Read({{"timeout", "reader-*"}, {"point", 4}, {"times", 2}}), 3, &filled);
  EXPECT_STREQ(filled.task, "reader-*");
  EXPECT_EQ(filled.ordinal, 4u);
  EXPECT_EQ(filled.how, 1u);
  EXPECT_EQ(filled.fault, 3u);
  EXPECT_EQ(filled.limit, 2u);
  EXPECT_EQ(filled.applied, 0u);
}

// A trial of a sweep.
TEST(TaskFault, StrikesAtThePointOfItsTrialAlone) {
  const FaultPlan plan = {
      .name = "sweep",
      .faults = {TaskFaultOf({{"timeout", "*"}, {"sweep", "every-point"}}),
                 {.name = "other", .key = "task", .members = {{"cancel", "1.2"}, {"point", 9}}}}};
  const Result<CompiledPlan> without = CompilePlan(FaultsAtPoint(plan, nullptr), 7);
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(without->block.tasks, 1u);
  const Json point = {{"fault", "stop"}, {"task", "1.3"}, {"point", 4}};
  const Result<CompiledPlan> with = CompilePlan(FaultsAtPoint(plan, point), 7);
  ASSERT_TRUE(with.ok());
  ASSERT_EQ(with->block.tasks, 2u);
  EXPECT_STREQ(with->block.task[0].task, "1.3");
  EXPECT_EQ(with->block.task[0].ordinal, 4u);
  EXPECT_EQ(with->block.task[0].how, 1u);
  EXPECT_EQ(with->block.task[0].fault, 1u);
  EXPECT_STREQ(with->block.task[1].task, "1.2");
}

}  // namespace
}  // namespace trireme
