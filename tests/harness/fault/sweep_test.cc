#include "harness/fault/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/fault/compile.h"
#include "harness/history/writer.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

FaultPlan PlanOf(const Json& faults) {
  Result<FaultPlan> plan = FaultPlan::FromJson({{"name", "p"}, {"summary", ""}, {"all", faults}});
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  return *std::move(plan);
}

Json Stopping(const std::string& tasks) {
  return {{"name", "stop"}, {"task", {{"cancel", tasks}, {"sweep", "every-point"}}}};
}

Json Cutting() {
  return {{"name", "cut"},
          {"at", {{"call", {"recv", "send"}}, {"sweep", "every-point"}}},
          {"do", {{"reset", true}}}};
}

NewEvent StartOf(uint32_t task, const std::string& path, const std::string& name) {
  return {.kind = EventKind::kTaskStart, .time = 1, .key = path, .value = name, .task = task};
}

NewEvent WaitOf(uint32_t task, uint64_t ordinal, const std::string& kind) {
  return {.kind = EventKind::kWait, .time = 2, .key = kind, .task = task, .id = ordinal};
}

NewEvent CallOf(const std::string& fault, const std::string& call, const std::string& connection,
                int64_t offset) {
  Json value = {{"do", {{"reset", true}}},
                {"call", call},
                {"side", "client"},
                {"connection", connection},
                {"direction", call == "recv" ? "read" : "write"},
                {"offset", offset}};
  return {.kind = EventKind::kFault, .time = 3, .key = fault, .value = std::move(value)};
}

std::vector<std::string> PointsIn(const FaultPlan& plan, const std::vector<NewEvent>& events) {
  const Result<History> history = History::Parse(EncodeHistory(0, events));
  std::vector<std::string> found;
  for (const Json& point : PointsOfTrial(plan, *history)) found.push_back(DescribePoint(point));
  return found;
}

TEST(SweepTest, PointsOfTasksAreThoseWhereTheyWaitedByPathAndOrdinal) {
  const std::vector<NewEvent> events = {StartOf(1, "1", "main"),    StartOf(2, "1.10", "late"),
                                        StartOf(3, "1.9", "early"), WaitOf(2, 1, "recv"),
                                        WaitOf(1, 10, "join"),      WaitOf(1, 9, "sleep"),
                                        WaitOf(3, 2, "condition"),  WaitOf(3, 2, "lock"),
                                        WaitOf(3, 0, "pool-place"), WaitOf(77, 1, "of no task")};
  EXPECT_THAT(PointsIn(PlanOf(Json::array({Stopping("*")})), events),
              ElementsAre("1 (main) at point 9, sleep", "1 (main) at point 10, join",
                          "1.9 (early) at point 2, condition", "1.10 (late) at point 1, recv"));
  EXPECT_THAT(PointsIn(PlanOf(Json::array({Stopping("late")})), events),
              ElementsAre("1.10 (late) at point 1, recv"));
  EXPECT_THAT(PointsIn(PlanOf(Json::array({Stopping("1.9")})), events),
              ElementsAre("1.9 (early) at point 2, condition"));
}

NewEvent NoteOf(const std::string& fault, uint32_t task, uint64_t ordinal) {
  return {.kind = EventKind::kFault,
          .time = 2,
          .key = fault,
          .value = {{"do", {{"cancel", true}}}, {"point", ordinal}},
          .task = task};
}

// Whether it waits is a matter of the schedule, and whether it comes there is not.
TEST(SweepTest, PointsOfTasksAreThoseTheyCameToWhetherTheyWaitedOrNot) {
  const FaultPlan plan = PlanOf(Json::array({Stopping("reader")}));
  const std::vector<NewEvent> events = {StartOf(1, "1", "reader"), NoteOf("stop", 1, 1),
                                        NoteOf("stop", 1, 2),      WaitOf(1, 2, "lock"),
                                        NoteOf("stop", 1, 3),      NoteOf("other", 1, 4)};
  EXPECT_THAT(PointsIn(plan, events),
              ElementsAre("1 (reader) at point 1", "1 (reader) at point 2, lock",
                          "1 (reader) at point 3"));
}

TEST(SweepTest, MergingKeepsTheKindThatARuntimeKnows) {
  const auto at = [](const char* kind) {
    return Json{{"fault", "stop"}, {"task", "1"}, {"name", "main"}, {"point", 1}, {"kind", kind}};
  };
  const Json known = Json::array({at("lock")});
  const Json unknown = Json::array({at("")});
  EXPECT_EQ(MergedPoints(unknown, known), known);
  EXPECT_EQ(MergedPoints(known, unknown), known);
}

TEST(SweepTest, PointsOfCallsAreThePlacesOfTheirOwnFaultEachOnce) {
  const std::vector<NewEvent> events = {
      CallOf("cut", "recv", "1.2#p10", 0), CallOf("cut", "recv", "1.2#p9", 0),
      CallOf("cut", "send", "1.10#0", 0), CallOf("cut", "recv", "1.2#0", 10),
      CallOf("cut", "recv", "1.2#0", 9), CallOf("cut", "recv", "1.2#0", 10),
      CallOf("other", "recv", "1.2#0", 3)};
  EXPECT_THAT(PointsIn(PlanOf(Json::array({Cutting()})), events),
              ElementsAre("recv of 1.2#0, client, at byte 9", "recv of 1.2#0, client, at byte 10",
                          "recv of 1.2#p9, client, at byte 0", "recv of 1.2#p10, client, at byte 0",
                          "send of 1.10#0, client, at byte 0"));
}

TEST(SweepTest, WhatARuntimeDoesBeforeTheWorkloadBeginsIsNoPoint) {
  NewEvent early = CallOf("cut", "recv", "-", 0);
  early.time = 0;
  EXPECT_THAT(PointsIn(PlanOf(Json::array({Cutting()})),
                       {early, StartOf(1, "1", "main"), CallOf("cut", "recv", "-", 1)}),
              ElementsAre("recv of -, client, at byte 1"));
}

TEST(SweepTest, AFaultThatDoesNotSweepHasNoPoints) {
  Json once = Cutting();
  once["at"].erase("sweep");
  EXPECT_THAT(PointsIn(PlanOf(Json::array({once})), {CallOf("cut", "recv", "1.2#0", 9)}),
              IsEmpty());
}

TEST(SweepTest, MergesWhatSeveralCellsCameTo) {
  const auto at = [](int64_t offset) {
    return Json{{"fault", "cut"}, {"call", "recv"}, {"connection", "1.2#0"}, {"offset", offset}};
  };
  EXPECT_EQ(MergedPoints({at(0), at(20)}, {at(20), at(3)}), Json({at(0), at(3), at(20)}));
}

TEST(SweepTest, ATrialHasOneRuleThatStrikesAtItsPointAlone) {
  const FaultPlan plan = PlanOf(Json::array({Stopping("*"), Cutting()}));
  const Json point = {{"fault", "cut"},        {"call", "recv"},      {"side", "server"},
                      {"connection", "1.2#0"}, {"direction", "read"}, {"offset", 4096}};
  const Result<CompiledPlan> compiled = CompilePlan(FaultsAtPoint(plan, point), 1);
  ASSERT_TRUE(compiled.ok()) << compiled.error().message;
  EXPECT_EQ(compiled->block.tasks, 0u);
  ASSERT_THAT(compiled->rules, SizeIs(1));
  const trireme_fault_rule& rule = compiled->rules[0];
  EXPECT_EQ(rule.dry, 0);
  EXPECT_EQ(rule.fault, 2);
  EXPECT_EQ(rule.when, TRIREME_WHEN_AT);
  EXPECT_EQ(rule.at, 4096u);
  EXPECT_EQ(rule.sides, 2);
  EXPECT_EQ(rule.calls, 1u << TRIREME_CALL_RECV);
  EXPECT_STREQ(rule.connection, "1.2#0");
}

TEST(SweepTest, WithoutAPointNothingStrikes) {
  const FaultPlan plan = PlanOf(Json::array({Stopping("*"), Cutting()}));
  const Result<CompiledPlan> left_out = CompilePlan(FaultsAtPoint(plan, nullptr), 1);
  EXPECT_TRUE(left_out->empty());
  const Result<CompiledPlan> noted = CompilePlan(plan, 1, SweepFaults::kNoted);
  ASSERT_EQ(noted->block.tasks, 1u);
  EXPECT_EQ(noted->block.task[0].how, TRIREME_TASK_NOTED);
  ASSERT_THAT(noted->rules, SizeIs(1));
  EXPECT_EQ(noted->rules[0].dry, 1);
}

// Each trial has one point: two faults never meet.
TEST(SweepTest, TwoSweepsOfOneCallDoNotContradictEachOther) {
  Json closing = Cutting();
  closing["name"] = "close";
  closing["do"] = {{"close", true}};
  EXPECT_TRUE(CheckFaultPlan(PlanOf(Json::array({Cutting(), closing}))).ok());
}

TEST(SweepTest, RefusesWhatAPointAlreadySays) {
  const auto message = [](const char* key, const Json& value) {
    Json fault = Cutting();
    fault["at"][key] = value;
    const Status status = CheckFaultPlan(PlanOf(Json::array({fault})));
    return status.ok() ? "" : status.error().message;
  };
  EXPECT_EQ(message("offset", 3), "cut: 'offset' and 'sweep' exclude each other");
  EXPECT_EQ(message("probability", 0.5), "cut: 'probability' and 'sweep' exclude each other");
  EXPECT_EQ(message("times", 1), "cut: 'times' and 'sweep' exclude each other");
  EXPECT_EQ(message("sweep", "some-points"), "cut: there is no sweep \"some-points\"");
}

}  // namespace
}  // namespace trireme
