#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "harness/fault/fault.h"
#include "tests/harness/fault/fault_testing.h"

namespace trireme {
namespace {

Result<FaultPlan> ReadPlanText(const std::string& text) {
  return FaultPlan::FromJson(*ParseJson(text, "plan"));
}

std::string PlanReadErrorOf(const std::string& fault) {
  const Result<FaultPlan> plan = ReadPlanText(R"({"name": "p", "all": [)" + fault + "]}");
  return plan.ok() ? "" : plan.error().message;
}

std::string PlanCheckErrorOf(const std::vector<Fault>& faults) {
  return MessageOf(CheckFaultPlan({.name = "p", .summary = "s", .faults = faults}));
}

TEST(FaultPlanTest, ReadsBackWhatItWrites) {
  Fault reset = SystemCall(R"({"call": ["recv"], "offset": 4096})", R"({"reset": true})", "reset");
  reset.seed = 0x17;
  const FaultPlan plan = {.name = "p", .summary = "s", .faults = {reset}};
  const Result<FaultPlan> read = FaultPlan::FromJson(plan.ToJson());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->ToJson(), plan.ToJson());
  EXPECT_EQ(read->faults[0].seed, 0x17U);
  EXPECT_EQ(read->faults[0].key, "do");
}

TEST(FaultPlanTest, HasPlacesAndActionsFirst) {
  ASSERT_GE(FaultClasses().size(), 2U);
  EXPECT_EQ(FaultClasses()[0].key, "at");
  EXPECT_EQ(FaultClasses()[1].key, "do");
}

TEST(FaultPlanTest, IsNoPlanWithoutANameAndFaults) {
  EXPECT_FALSE(ReadPlanText("{}").ok());
  EXPECT_FALSE(ReadPlanText(R"({"name": "p"})").ok());
  EXPECT_FALSE(ReadPlanText("17").ok());
  EXPECT_FALSE(ReadPlanText(R"({"name": "p", "all": [17]})").ok());
}

TEST(FaultPlanTest, RefusesMembersThatItDoesNotKnow) {
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "do": {"shrot": 1}})"),
            "x: unknown key 'shrot' of 'do'");
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "at": {"of": 1}, "do": {"short": 1}})"),
            "x: unknown key 'of' of 'at'");
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "dew": {}})"), "x: unknown key 'dew'");
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x"})"), "x: it does nothing: it is of no class");
  EXPECT_EQ(PlanReadErrorOf(R"({"do": {"short": 1}})"), "a fault without a name");
}

TEST(FaultPlanTest, RefusesMembersOfAnotherType) {
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "do": {"short": -1}})"), "x: 'short' is no bytes: -1");
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "do": {"reset": 1}})"), "x: 'reset' is no boolean: 1");
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "at": {"call": [1]}, "do": {"short": 1}})"),
            "x: 'call' is no texts: [1]");
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "at": {"probability": 1.5}, "do": {"short": 1}})"),
            "x: 'probability' is no share: 1.5");
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "do": 1})"), "x: 'do' must be a mapping");
  EXPECT_EQ(PlanReadErrorOf(R"({"name": "x", "seed": "many", "do": {"short": 1}})"),
            "x: its seed is no number: \"many\"");
}

TEST(FaultPlanTest, HasFaultsOfDifferentNames) {
  const Fault fault = SystemCall("{}", R"({"short": 1})");
  EXPECT_EQ(PlanCheckErrorOf({fault, fault}), "two faults of plan 'p' are named 'x'");
}

TEST(FaultPlanTest, RefusesAPlaceForWhatIsNoSystemCall) {
  Fault fault = SystemCall(R"({"offset": 1})", R"({"short": 1})");
  fault.key = "nothing";
  EXPECT_EQ(PlanCheckErrorOf({fault}), "x: there is no class 'nothing'");
}

TEST(FaultPlanTest, RefusesTwoEndsAtOneByte) {
  const char* place = R"({"call": ["recv"], "connection": "c#0", "offset": 100})";
  const Fault reset = SystemCall(place, R"({"reset": true})", "r");
  const Fault stall = SystemCall(place, R"({"stall": 5})", "s");
  EXPECT_EQ(PlanCheckErrorOf({reset, stall}),
            "s: it contradicts fault 'r': both hit the same place of the same connections");
  EXPECT_EQ(PlanCheckErrorOf({reset, SystemCall(place, R"({"short": 1})", "s")}), "");
}

// "*" names them all, as saying nothing does.
TEST(FaultPlanTest, RefusesTwoEndsAtOneByteOfEveryConnection) {
  const Fault reset = SystemCall(R"({"call": ["recv"], "offset": 5})", R"({"reset": true})", "r");
  const auto stall = [](const std::string& glob) {
    return SystemCall(R"({"call": ["recv"], "offset": 5, "connection": ")" + glob + "\"}",
                      R"({"stall": 5})", "s");
  };
  EXPECT_EQ(PlanCheckErrorOf({reset, stall("*")}),
            "s: it contradicts fault 'r': both hit the same place of the same connections");
  EXPECT_EQ(PlanCheckErrorOf({reset, stall("c*")}), "");
}

// Each to a call of its own, and the end last, whatever order the plan has.
TEST(FaultPlanTest, TakesErrorsOfAStreamAndItsEndAtOneByte) {
  const char* place = R"({"call": ["recv"], "offset": 5})";
  const auto error_of = [&](const char* at, const char* one, const char* other) {
    return PlanCheckErrorOf({SystemCall(at, one, "a"), SystemCall(at, other, "b")});
  };
  const char* whole = R"({"error": "EAGAIN"})";
  for (const char* other :
       {R"({"reset": true})", R"({"close": true})", R"({"error": "ECONNRESET"})",
        R"({"error": "ENOBUFS"})", R"({"stall": 5})"}) {
    EXPECT_EQ(error_of(place, whole, other), "") << other;
    EXPECT_EQ(error_of(place, other, whole), "") << other;
  }
  for (const char* other : {R"({"close": true})", R"({"error": "ECONNRESET"})", R"({"stall": 5})"})
    EXPECT_EQ(error_of(place, R"({"reset": true})", other),
              "b: it contradicts fault 'a': both hit the same place of the same connections")
        << other;
}

// A call that is an event is over with its first error.
TEST(FaultPlanTest, RefusesTwoErrorsOfOneEvent) {
  const char* error =
      "b: it contradicts fault 'a': both hit the same place of the same connections";
  const auto error_of = [](const char* call, const char* one, const char* other) {
    const std::string at = std::string(R"({"offset": 1, "call": [")") + call + "\"]}";
    return PlanCheckErrorOf({SystemCall(at, one, "a"), SystemCall(at, other, "b")});
  };
  const char* full = R"({"error": "EMFILE"})";
  EXPECT_EQ(error_of("open", full, R"({"error": "ENOSPC"})"), error);
  EXPECT_EQ(error_of("connect", R"({"error": "ECONNREFUSED"})", R"({"reset": true})"), error);
  EXPECT_EQ(error_of("connect", R"({"error": "ECONNREFUSED"})", R"({"stall": 5})"), "");
  EXPECT_EQ(error_of("accept", full, R"({"error": "ENFILE"})"), error);
  EXPECT_EQ(error_of("accept", R"({"error": "ECONNABORTED"})", R"({"reset": true})"), error);
  EXPECT_EQ(error_of("accept", full, R"({"reset": true})"), "") << "they are counted apart";
}

TEST(FaultPlanTest, TakesTwoEndsThatDoNotMeet) {
  const Fault reset =
      SystemCall(R"({"call": ["recv"], "offset": 100, "for": 10})", R"({"reset": true})", "r");
  for (const char* elsewhere :
       {R"({"call": ["recv"], "offset": 101})", R"({"call": ["send"], "offset": 100})",
        R"({"call": ["recv"], "offset": 100, "after": 10})",
        R"({"call": ["recv"], "offset": 100, "connection": "c#0"})",
        R"({"call": ["recv"], "every": 100})"})
    EXPECT_EQ(PlanCheckErrorOf({reset, SystemCall(elsewhere, R"({"stall": 5})", "s")}), "")
        << elsewhere;
}

// {first, second} in this order in the plan.
std::string ErrorOfTwo(const std::pair<const char*, const char*>& first,
                       const std::pair<const char*, const char*>& second) {
  return PlanCheckErrorOf({SystemCall(first.first, first.second, "a"),
                           SystemCall(second.first, second.second, "b")});
}

TEST(FaultPlanTest, RefusesWhatComesAfterTheEndOfItsConnections) {
  const char* reset = R"({"reset": true})";
  const char* stall = R"({"stall": 5})";
  const std::string error =
      ": it can never apply: fault 'R' ends the same connections before they come so far";
  const auto said = [&](std::string text, const char* ender) {
    text.replace(text.find('R'), 1, ender);
    return text;
  };
  for (const auto& [ender, other] : std::vector<std::pair<const char*, const char*>>{
           {R"({"offset": 100})", R"({"offset": 101})"},
           {R"({"every": 3})", R"({"offset": 6})"},
           {R"({"every": 3})", R"({"every": 4})"},
           {"{}", R"({"offset": 1, "times": 1})"},
           {R"({"offset": 5, "times": 1})", R"({"every": 9, "connection": "c#0"})"}}) {
    EXPECT_EQ(ErrorOfTwo({ender, reset}, {other, stall}), "b" + said(error, "a")) << ender << other;
    EXPECT_EQ(ErrorOfTwo({other, stall}, {ender, reset}), "a" + said(error, "b")) << ender << other;
  }
}

// What may be meant: a link that stalls again and again, and then is cut, and whatever decides in a run only.
TEST(FaultPlanTest, TakesPlacesOfDifferentKindsThatMayMeet) {
  const char* reset = R"({"reset": true})";
  const char* stall = R"({"stall": 5})";
  const char* third = R"({"every": 3})";
  for (const char* elsewhere :
       {R"({"offset": 2})", R"({"offset": 3})", R"({"every": 2})", "{}", R"({"probability": 0.5})",
        R"({"offset": 6, "side": "client", "call": "send"})"})
    for (const char* ender :
         {R"({"every": 3, "call": "recv"})", R"({"every": 3, "side": "server", "call": "recv"})"})
      EXPECT_EQ(ErrorOfTwo({elsewhere, stall}, {ender, reset}), "") << elsewhere << ender;
  for (const char* ender :
       {R"({"every": 3, "total": 1})", R"({"every": 3, "after": 5})", R"({"every": 3, "for": 5})",
        R"({"probability": 0.5})", R"({"every": 3, "connection": "c#0"})", R"({"offset": 7})"})
    EXPECT_EQ(ErrorOfTwo({ender, reset}, {R"({"offset": 6})", stall}), "") << ender;
  EXPECT_EQ(ErrorOfTwo({third, stall}, {R"({"offset": 6})", reset}), "");
  EXPECT_EQ(ErrorOfTwo({R"({"offset": 6})", reset}, {third, stall}), "");
  EXPECT_EQ(ErrorOfTwo({third, R"({"interrupt": true})"}, {R"({"offset": 6})", reset}), "");
}

TEST(FaultPlanTest, RefusesAnErrorOfCallsThatAllFailBefore) {
  const char* full = R"({"error": "EMFILE"})";
  const char* table = R"({"error": "ENFILE"})";
  const std::string error = "b: it can never apply: fault 'a' fails the same calls first";
  const char* all = R"({"call": "open"})";
  const char* third = R"({"call": "open", "every": 3})";
  const char* sixth = R"({"call": "open", "offset": 5})";
  EXPECT_EQ(ErrorOfTwo({all, full}, {third, table}), error);
  EXPECT_EQ(ErrorOfTwo({third, full}, {sixth, table}), error);
  EXPECT_EQ(ErrorOfTwo({third, full}, {R"({"call": "open", "every": 6})", table}), error);
  // The special one before the general one, another event, another call, and what does not last.
  EXPECT_EQ(ErrorOfTwo({sixth, table}, {third, full}), "");
  EXPECT_EQ(ErrorOfTwo({third, full}, {R"({"call": "open", "offset": 6})", table}), "");
  EXPECT_EQ(ErrorOfTwo({third, full}, {R"({"call": "socket", "offset": 5})", table}), "");
  EXPECT_EQ(ErrorOfTwo({third, R"({"interrupt": true})"}, {sixth, table}), "");
  EXPECT_EQ(ErrorOfTwo({R"({"call": "open", "every": 3, "total": 2})", full}, {sixth, table}), "");
  EXPECT_EQ(ErrorOfTwo({third, full}, {sixth, R"({"delay": 5})"}), "");
}

Fault Network(const std::string& members, const std::string& name) {
  return {.name = name, .key = "network", .members = *ParseJson(members, "network")};
}

Fault TaskStop(const std::string& members, const std::string& name) {
  return {.name = name, .key = "task", .members = *ParseJson(members, "task")};
}

Fault Signal(const std::string& members, const std::string& name) {
  return {.name = name, .key = "process", .members = *ParseJson(members, "process")};
}

TEST(FaultPlanTest, RefusesTwoEndsOfOneConnectionByTheNetwork) {
  const std::string error =
      "b: it contradicts fault 'a': both end the same connections at the same place, in different "
      "ways";
  const std::pair<const char*, const char*> kPairs[] = {
      {R"({"close": "rst", "cut": 5})", R"({"close": "fin", "cut": 5})"},
      {R"({"close": "rst"})", R"({"half-open": true})"},
      {R"({"half-open": true, "offset": 5})", R"({"half-close": true, "offset": 5})"},
      {R"({"close": "fin", "cut": 5, "for": 10})", R"({"half-open": true, "offset": 5})"}};
  for (const auto& [a, b] : kPairs)
    EXPECT_EQ(PlanCheckErrorOf({Network(a, "a"), Network(b, "b")}), error) << a << b;
}

TEST(FaultPlanTest, TakesTwoEndsByTheNetworkThatDoNotMeet) {
  const Fault reset = Network(R"({"close": "rst", "cut": 5, "for": 10})", "a");
  for (const char* elsewhere :
       {R"({"close": "rst", "cut": 5})", R"({"close": "fin", "cut": 6})",
        R"({"close": "fin", "cut": 5, "direction": "up"})",
        R"({"close": "fin", "cut": 5, "after": 10})",
        R"({"close": "fin", "cut": 5, "connection": "c#0"})",
        R"({"close": "fin", "cut": 5, "to": "127.0.0.1:1"})", R"({"latency": 5})"})
    EXPECT_EQ(PlanCheckErrorOf({reset, Network(elsewhere, "b")}), "") << elsewhere;
}

TEST(FaultPlanTest, RefusesTwoStopsOfATaskAtOnePoint) {
  EXPECT_EQ(PlanCheckErrorOf({TaskStop(R"({"cancel": "r-*", "point": 3})", "a"),
                              TaskStop(R"({"timeout": "r-*", "point": 3})", "b")}),
            "b: it contradicts fault 'a': both stop the same tasks at the same point, in different "
            "ways");
}

TEST(FaultPlanTest, TakesTwoStopsOfTasksThatDoNotMeet) {
  const Fault cancel = TaskStop(R"({"cancel": "r-*", "point": 3})", "a");
  for (const char* elsewhere :
       {R"({"cancel": "r-*", "point": 3})", R"({"timeout": "r-*", "point": 4})",
        R"({"timeout": "r-1", "point": 3})", R"({"timeout": "r-*", "point": 3, "times": 1})",
        R"({"timeout": "r-*", "after": 3})"})
    EXPECT_EQ(PlanCheckErrorOf({cancel, TaskStop(elsewhere, "b")}), "") << elsewhere;
}

TEST(FaultPlanTest, RefusesWhatComesAfterTheEndOfTheTrial) {
  const Fault killed = Signal(R"({"signal": "KILL", "after": 50})", "k");
  const std::string error =
      "p: it contradicts fault 'k': that kills the runner before, and so ends the trial";
  for (const char* later : {R"({"signal": "STOP", "after": 100, "for": 1000})",
                            R"({"signal": "TERM", "after": 51, "target": "worker"})"}) {
    EXPECT_EQ(PlanCheckErrorOf({Signal(later, "p"), killed}), error) << later;
    EXPECT_EQ(PlanCheckErrorOf({killed, Signal(later, "p")}), error) << later;
  }
}

TEST(FaultPlanTest, TakesSignalsThatMayAllCome) {
  const Fault later = Signal(R"({"signal": "STOP", "after": 100, "for": 1000})", "p");
  for (const char* earlier :
       {R"({"signal": "KILL", "after": 100})", R"({"signal": "TERM", "after": 50})",
        R"({"signal": "KILL", "after": 50, "target": "worker"})",
        R"({"signal": "KILL", "event": "observe:done"})"})
    EXPECT_EQ(PlanCheckErrorOf({Signal(earlier, "k"), later}), "") << earlier;
}

Fault Shortage(const char* members, const std::string& name) {
  Fault fault{.name = name, .key = "resource"};
  fault.members = *ParseJson(members, name);
  return fault;
}

TEST(FaultPlanTest, RefusesLimitsThatEndEachOther) {
  const Fault first = Shortage(R"({"threads": 40, "after": 10, "for": 20})", "a");
  for (const char* other :
       {R"({"threads": 30, "after": 10, "for": 20})", R"({"threads": 30, "after": 20, "for": 5})",
        R"({"threads": 30, "after": 20})", R"({"threads": 30, "after": 30})"})
    EXPECT_EQ(PlanCheckErrorOf({first, Shortage(other, "b")}),
              "b: it contradicts fault 'a': both limit threads at one time, and the end of one "
              "would end the other")
        << other;
  EXPECT_EQ(PlanCheckErrorOf({first, Shortage(R"({"threads": 30, "after": 31})", "b")}), "");
}

Fault ClockChange(const char* members, const std::string& name) {
  Fault fault{.name = name, .key = "time"};
  fault.members = *ParseJson(members, name);
  return fault;
}

TEST(FaultPlanTest, RefusesTwoSpeedsOfAClockAtOneTime) {
  const Fault first = ClockChange(R"({"rate": 0.4, "after": 10, "for": 20})", "a");
  for (const char* other :
       {R"({"rate": 0.5})", R"({"rate": 2, "after": 29})", R"({"rate": 2, "for": 11})",
        R"({"rate": 0.4, "clocks": ["both"]})"})
    EXPECT_EQ(PlanCheckErrorOf({first, ClockChange(other, "b")}),
              "b: it contradicts fault 'a': both say how fast a clock runs at one time")
        << other;
}

TEST(FaultPlanTest, TakesSpeedsOfOtherClocksOrTimesAndWhatAddsUp) {
  const Fault first = ClockChange(R"({"rate": 0.4, "after": 10, "for": 20})", "a");
  for (const char* other :
       {R"({"rate": 0.5, "after": 30})", R"({"rate": 0.5, "for": 10})", R"({"jump": -5})",
        R"({"rate": 0.5, "clocks": ["monotonic"]})", R"({"late": 5})"})
    EXPECT_EQ(PlanCheckErrorOf({first, ClockChange(other, "b")}), "") << other;
}

// The lowest holds.
TEST(FaultPlanTest, TakesLimitsOfProcessesAtOneTime) {
  const Fault first = Shortage(R"({"nofile": 40, "after": 10, "for": 20})", "a");
  for (const char* other :
       {R"({"nofile": 30, "after": 30})", R"({"nofile": 30, "after": 11, "for": 18})",
        R"({"nofile": 30, "after": 20, "for": 20})", R"({"nofile": 50})", R"({"stack": 65536})",
        R"({"cpu": 2})"})
    EXPECT_EQ(PlanCheckErrorOf({first, Shortage(other, "b")}), "") << other;
  const Fault load = Shortage(R"({"cpu": 2})", "a");
  EXPECT_EQ(PlanCheckErrorOf({load, Shortage(R"({"cpu": 3})", "b")}), "");
}

TEST(FaultPlanTest, TakesALimitThatBeginsLongAfterAnotherFromTheStartHasEnded) {
  const Fault full = Shortage(R"({"disk": 1048576, "for": 1000})", "a");
  EXPECT_EQ(PlanCheckErrorOf({full, Shortage(R"({"disk": 1048576, "after": 5000})", "b")}), "");
  EXPECT_NE(PlanCheckErrorOf({full, Shortage(R"({"disk": 1048576, "after": 1000})", "b")}), "");
}

// They go on when the last one has ended.
TEST(FaultPlanTest, TakesStopsThatOverlap) {
  const Fault stop = Signal(R"({"signal": "STOP", "after": 50, "for": 100})", "a");
  EXPECT_EQ(PlanCheckErrorOf({stop, Signal(R"({"signal": "STOP", "after": 60})", "b")}), "");
}

}  // namespace
}  // namespace trireme
