#include "harness/fault/applied_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/fault/system_call.h"
#include "harness/history/writer.h"
#include "tests/harness/fault/fault_testing.h"

namespace trireme {
namespace {

NewEvent Applied(const std::string& name, const std::string& value) {
  return {.kind = EventKind::kFault,
          .time = 1,
          .key = name,
          .value = *ParseJson(value, "value"),
          .id = 1};
}

Result<PlanOfLog> LogFrom(const std::vector<NewEvent>& events, const FaultPlan& planned = {}) {
  return AppliedPlan(*History::Parse(EncodeHistory(0, events)), planned, "applied");
}

Result<FaultPlan> PlanFrom(const std::vector<NewEvent>& events, const FaultPlan& planned = {}) {
  Result<PlanOfLog> log = LogFrom(events, planned);
  if (!log.ok()) return log.error();
  return log->plan;
}

TEST(AppliedPlanTest, HitTheSameByteOfTheSameConnection) {
  const auto plan = PlanFrom({Applied(
      "cut", R"({"do": {"short": 1}, "call": "recv", "side": "server", "connection": "1.2#0",
                 "direction": "read", "offset": 4096})")});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->faults.size(), 1U);
  EXPECT_EQ(plan->faults[0].name, "cut.1");
  EXPECT_EQ(CanonicalJson(plan->faults[0].at),
            R"({"call":["recv"],"connection":"1.2#0","offset":4096,"side":"server"})");
  EXPECT_EQ(DumpJson(plan->faults[0].members), R"({"short":1})");
  EXPECT_TRUE(CheckFaultPlan(*plan).ok());
}

TEST(AppliedPlanTest, HaveNanosecondsAndNamedErrors) {
  const auto plan = PlanFrom(
      {Applied("late", R"({"do": {"delay": 0.02}, "call": "send", "side": "client",
                          "connection": "1#0", "direction": "write", "offset": 1})"),
       Applied("full", R"({"do": {"error": 28}, "call": "write", "side": "client",
                          "connection": "1@0", "offset": 9})"),
       Applied("gone", R"({"do": {"error": "EAI_AGAIN"}, "call": "getaddrinfo", "side": "client",
                          "connection": "1.1", "offset": 2})")});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->faults.size(), 3U);
  EXPECT_EQ(plan->faults[0].members["delay"], 20'000'000);
  EXPECT_EQ(plan->faults[1].members["error"], "ENOSPC");
  EXPECT_FALSE(plan->faults[2].at.contains("side")) << "who looks up a name has none";
  EXPECT_TRUE(CheckFaultPlan(*plan).ok());
}

// As often as one process suffered it: so does each that the rules hit.
TEST(AppliedPlanTest, ComeAsOftenAtOneByteAsTheyDid) {
  const auto hit = [](const std::string& what, uint32_t process) {
    const std::string place =
        R"(, "call": "recv", "side": "client", "connection": "1#0", "offset": 5})";
    NewEvent event = Applied("fiu-ctrl", R"({"do": )" + what + place);
    event.process = process;
    return event;
  };
  const std::string again = R"({"error": "EAGAIN"})";
  const auto plan = PlanFrom({hit(again, 1), hit(again, 1), hit(again, 2), hit(again, 1)});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->faults.size(), 3U);
  EXPECT_EQ(plan->faults[2].name, "fiu-ctrl.3");
  EXPECT_TRUE(CheckFaultPlan(*plan).ok());
  EXPECT_EQ(PlanFrom({hit(again, 1), hit(again, 2)})->faults.size(), 1U);
  const std::string end = R"({"reset": true})";
  EXPECT_EQ(PlanFrom({hit(end, 1), hit(end, 1)})->faults.size(), 1U);
}

TEST(AppliedPlanTest, SayWhereTheyCameMoreOftenThanAPlanHasRoomFor) {
  const NewEvent event = Applied("fiu-ctrl", R"({"do": {"error": "EAGAIN"}, "call": "recv", "side":
      "client", "connection": "1#0", "direction": "read", "offset": 5})");
  const auto log = LogFrom(std::vector<NewEvent>(150, event));
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->plan.faults.size(), 100U);
  ASSERT_EQ(log->left_out.size(), 1U);
  EXPECT_EQ(log->left_out[0],
            "'fiu-ctrl' ({\"error\":\"EAGAIN\"} at recv of 1#0): it hit this place more often than "
            "the 100 times that are brought back");
}

// An end is there once.
TEST(AppliedPlanTest, AreOnceAtOnePlace) {
  const char* event = R"({"do": {"error": "EPIPE"}, "call": "send", "side": "client",
                          "connection": "1#0", "direction": "write", "offset": 5})";
  EXPECT_EQ(PlanFrom({Applied("x", event), Applied("x", event)})->faults.size(), 1U);
}

// Anything may be driven by fiu-ctrl; a plan says only what a call can have.
TEST(AppliedPlanTest, SayWhatNoPlanCanSay) {
  const NewEvent odd = Applied("fiu-ctrl", R"({"do": {"error": "EMFILE"}, "call": "recv", "side":
      "client", "connection": "1#0", "direction": "read", "offset": 5})");
  const NewEvent unnamed = Applied("fiu-ctrl", R"({"do": {"error": 4242}, "call": "recv", "side":
      "client", "connection": "1#0", "direction": "read", "offset": 6})");
  const NewEvent plain = Applied("fiu-ctrl", R"({"do": {"error": "ECONNRESET"}, "call": "recv",
      "side": "client", "connection": "1#0", "direction": "read", "offset": 7})");
  const auto log = LogFrom({odd, odd, unnamed, plain});
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->plan.faults.size(), 1U);
  ASSERT_EQ(log->left_out.size(), 2U) << "once at one place";
  EXPECT_EQ(log->left_out[0],
            "'fiu-ctrl' ({\"error\":\"EMFILE\"} at recv of 1#0): fiu-ctrl.1: EMFILE can never come "
            "of recv");
  EXPECT_TRUE(LogFrom({plain})->left_out.empty());
  const auto none = LogFrom({odd});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
}

TEST(AppliedPlanTest, LeaveOutWhatContradictsAnEarlierOneAndSaySo) {
  const std::string place =
      R"("call": "recv", "side": "client", "connection": "1#0", "offset": 5})";
  const auto log = LogFrom({Applied("a", R"({"do": {"close": true}, )" + place),
                            Applied("b", R"({"do": {"reset": true}, )" + place),
                            Applied("c", R"({"do": {"short": 2}, )" + place)});
  ASSERT_TRUE(log.ok());
  ASSERT_EQ(log->plan.faults.size(), 2U);
  EXPECT_EQ(log->plan.faults[0].name, "a.1");
  EXPECT_EQ(log->plan.faults[1].name, "c.2");
  ASSERT_EQ(log->left_out.size(), 1U);
  EXPECT_EQ(log->left_out[0],
            "'b' ({\"reset\":true} at recv of 1#0): b.2: it contradicts fault 'a.1': both hit the "
            "same place of the same connections");
}

TEST(AppliedPlanTest, HaveAnErrorAndAnEndAtOneByte) {
  const std::string place =
      R"("call": "recv", "side": "client", "connection": "1#0", "offset": 5})";
  const auto log = LogFrom({Applied("a", R"({"do": {"error": "EAGAIN"}, )" + place),
                            Applied("b", R"({"do": {"reset": true}, )" + place)});
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->plan.faults.size(), 2U);
  EXPECT_TRUE(log->left_out.empty());
}

TEST(AppliedPlanTest, StopTheSameTaskAtItsPoint) {
  const auto plan =
      PlanFrom({Applied("stop", R"({"do": {"cancel": true}, "point": 7, "task": "1.3"})")});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->faults[0].key, "task");
  EXPECT_EQ(DumpJson(plan->faults[0].members), R"({"cancel":"1.3","point":7,"times":1})");
}

TEST(AppliedPlanTest, TakeWhatHappensAtATimeAsItWasPlanned) {
  const Fault pause{.name = "pause", .key = "process", .members = {{"signal", "STOP"}}};
  const Fault other{.name = "other", .key = "process", .members = {{"signal", "TERM"}}};
  const auto plan = PlanFrom({Applied("pause", R"({"do": {"signal": "STOP"}})"),
                              Applied("pause", R"({"do": {"signal": "STOP"}, "over": true})")},
                             {.name = "p", .summary = "", .faults = {pause, other}});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->faults.size(), 1U);
  EXPECT_EQ(plan->faults[0].members, pause.members);
}

TEST(AppliedPlanTest, AreNothingWithoutAny) {
  const auto plan = PlanFrom({});
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().kind, ErrorKind::kNothing);
}

TEST(AppliedPlanTest, BearEventsOfNoKnownForm) {
  EXPECT_FALSE(PlanFrom({Applied("x", "17"), Applied("x", R"({"call": "recv"})"),
                         Applied("x", R"({"do": {"delay": true}, "call": 5})")})
                   .ok());
}

TEST(LiteralGlobTest, MatchesItsTextAlone) {
  EXPECT_EQ(LiteralGlob("1.2#0"), "1.2#0");
  EXPECT_EQ(LiteralGlob("a*b?[c]\\"), R"(a\*b\?\[c]\\)");
}

}  // namespace
}  // namespace trireme
