#include "harness/scenario/fault_plans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using ::testing::HasSubstr;
using testing::ScenarioFolder;
using ::testing::StartsWith;

constexpr const char* kSlow =
    "version: 1\nsummary: All of it is slow\nall:\n"
    "  - {name: late, seed: 7, at: {call: recv}, do: {delay: 20ms}}\n"
    "  - {name: thin, link: {rate: 1MBps}}\n";

class FaultPlansTest : public ::testing::Test {
 protected:
  FaultPlansTest() { folder_.Write("faults/slow.yaml", kSlow); }

  // Of a scenario whose `faults` are these; its place first.
  std::string ErrorOf(const std::string& faults) {
    return folder_.ErrorOf(Complete("faults: " + faults + "\n"));
  }
  std::vector<FaultChoice> Parse(const std::string& faults) {
    Result<Scenario> scenario = folder_.Parse(Complete("faults: " + faults + "\n"));
    EXPECT_TRUE(scenario.ok()) << scenario.error().Render();
    return scenario.ok() ? scenario->faults : std::vector<FaultChoice>();
  }
  // Below the class `link` of a lone fault.
  Json Link(const std::string& fields) {
    const std::vector<FaultChoice> faults = Parse("[{name: x, link: {" + fields + "}}]");
    return faults.empty() ? Json() : faults[0].plan["all"][0]["link"];
  }
  std::string LinkError(const std::string& fields) {
    return ErrorOf("[{name: x, link: {" + fields + "}}]");
  }

  ScenarioFolder folder_;
};

TEST_F(FaultPlansTest, AreNoneWithoutAny) {
  const Result<Scenario> scenario = folder_.Parse(Complete(""));
  ASSERT_EQ(scenario->faults.size(), 1U);
  EXPECT_EQ(scenario->faults[0].name, "none");
  EXPECT_TRUE(scenario->faults[0].plan.is_null());
}

TEST_F(FaultPlansTest, AreReadFromTheirFiles) {
  const std::vector<FaultChoice> faults = Parse("[none, slow]");
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0].name, "none");
  EXPECT_EQ(faults[1].name, "slow");
  EXPECT_EQ(faults[1].argument, "slow");
  EXPECT_EQ(DumpJson(faults[1].plan),
            R"({"name":"slow","summary":"All of it is slow","all":[)"
            R"({"name":"late","seed":"0x7","at":{"call":["recv"]},"do":{"delay":20000000}},)"
            R"({"name":"thin","link":{"rate":1000000}}]})");
}

TEST_F(FaultPlansTest, MayStandInTheScenario) {
  const std::vector<FaultChoice> faults = Parse(
      "[{name: cut, do: {reset: true}}, {name: two, summary: s, all: [{name: a, do: {reset: "
      "true}}, "
      "{name: b, do: {reset: true}}]}]");
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0].plan["all"][0]["name"], "cut");
  EXPECT_EQ(faults[1].plan["summary"], "s");
  EXPECT_EQ(faults[1].plan["all"].size(), 2U);
}

TEST_F(FaultPlansTest, NameALoneFaultLikeThePlan) {
  folder_.Write("faults/one.yaml", "version: 1\nsummary: s\ndo: {reset: true}\n");
  EXPECT_EQ(Parse("[one]")[0].plan["all"][0]["name"], "one");
  EXPECT_EQ(Parse("[{name: p, all: [{do: {reset: true}}]}]")[0].plan["all"][0]["name"], "p");
}

TEST_F(FaultPlansTest, ReadEachType) {
  EXPECT_EQ(Link("rate: 64KiBps")["rate"], 65536);
  EXPECT_EQ(Link("jump: -1h")["jump"], -3'600'000'000'000);
  EXPECT_EQ(Link("jump: 5s")["jump"], 5'000'000'000);
  EXPECT_EQ(Link("count: 3")["count"], 3);
  EXPECT_EQ(Link("loss: 0.5")["loss"], 0.5);
  EXPECT_EQ(Link("speed: 1.5")["speed"], 1.5);
  EXPECT_EQ(Link("to: \"127.0.0.1:80\"")["to"], "127.0.0.1:80");
}

TEST_F(FaultPlansTest, RefuseOtherTypes) {
  EXPECT_THAT(LinkError("rate: 1MB"),
              StartsWith("scenario.yaml:4:33: error: 'rate' must be a bandwidth, not '1MB'\n"));
  EXPECT_THAT(LinkError("rate: 0KiBps"), HasSubstr("'rate' must be a bandwidth, not '0KiBps'"));
  EXPECT_THAT(LinkError("rate: [1MBps]"), HasSubstr("'rate' must be a bandwidth, not a list"));
  EXPECT_THAT(LinkError("jump: soon"), HasSubstr("'jump' must be a duration, not 'soon'"));
  EXPECT_THAT(LinkError("jump: --1h"), HasSubstr("'jump' must be a duration, not '--1h'"));
  EXPECT_THAT(LinkError("jump: -1000000h"),
              HasSubstr("'jump' must be from -88888h53m to 88888h53m, not -1000000h\n"));
  EXPECT_EQ(Link("jump: -88888h")["jump"], -88888 * 3'600'000'000'000);
  EXPECT_THAT(LinkError("count: -1"), HasSubstr("'count' must be from 0 to"));
  EXPECT_THAT(LinkError("loss: 2"), HasSubstr("'loss' must be from 0 to 1, not 2"));
  EXPECT_THAT(LinkError("speed: 0"), HasSubstr("'speed' must be above 0, not 0"));
  EXPECT_THAT(LinkError("to: 80"), HasSubstr("'to' must be text, not the number 80"));
  EXPECT_THAT(ErrorOf("[{name: x, do: {delay: -1s}}]"),
              HasSubstr("'delay' must be a duration, not '-1s'"));
  for (const std::string bytes : {"9223372036854775807", "256TiB", "99999999999999999999"})
    EXPECT_THAT(ErrorOf("[{name: x, at: {offset: " + bytes + "}, do: {reset: true}}]"),
                HasSubstr("'offset' must be from 0 to 255TiB, not " + bytes + "\n"));
  EXPECT_THAT(ErrorOf("[{name: x, do: {reset: 1}}]"),
              HasSubstr("'reset' must be true or false, not '1'"));
  EXPECT_THAT(ErrorOf("[{name: x, at: {call: []}, do: {reset: true}}]"),
              HasSubstr("'call' must not be empty"));
}

// At their number, for who plans them knows the timeout.
TEST_F(FaultPlansTest, SayWhichFaultsBeginLater) {
  const FaultChoice choice = Parse(
      "[{name: p, all: [{name: now, do: {reset: true}}, "
      "{name: then, link: {count: 1, after: 3s}}]}]")[0];
  ASSERT_EQ(choice.late.size(), 1U);
  EXPECT_EQ(choice.late[0].name, "then");
  EXPECT_EQ(choice.late[0].after, 3'000'000'000);
  EXPECT_EQ(choice.late[0].place.line, 4);
  EXPECT_EQ(choice.late[0].place.column, 95);
  folder_.Write("faults/slow.yaml", "version: 1\nsummary: s\nlink: {count: 1, after: 2s}\n");
  const FaultChoice named = Parse("[slow]")[0];
  ASSERT_EQ(named.late.size(), 1U);
  EXPECT_EQ(named.late[0].place.line, 3);
  EXPECT_EQ(BaseName(named.late[0].place.file), "slow.yaml");
}

TEST_F(FaultPlansTest, RefuseUnknownKeys) {
  EXPECT_EQ(ErrorOf("[{name: x, do: {rest: true}}]"),
            "scenario.yaml:4:25: error: unknown key 'rest' of 'do'\n"
            "faults: [{name: x, do: {rest: true}}]\n"
            "                        ^~~~\n"
            "hint: did you mean 'reset'?\n");
  EXPECT_THAT(ErrorOf("[{name: x, lnik: {count: 1}}]"),
              StartsWith("scenario.yaml:4:20: error: unknown key 'lnik' of a fault\n"));
  EXPECT_THAT(ErrorOf("[{name: x, seed: 1, all: [{name: a, do: {reset: true}}]}]"),
              HasSubstr("'seed' beside 'all'"));
  EXPECT_THAT(ErrorOf("[{name: x, all: [{name: a, all: []}]}]"),
              HasSubstr("unknown key 'all' of a fault"));
}

// A plan file may be pasted as it is, such as what `run --minimise` prints.
TEST_F(FaultPlansTest, TakeTheVersionOfAFile) {
  EXPECT_EQ(ErrorOf("[{name: x, version: 1, summary: s, do: {reset: true}}]"), "");
  EXPECT_THAT(ErrorOf("[{name: x, version: 2, do: {reset: true}}]"),
              HasSubstr("'version' must be from 1 to 1, not 2"));
  EXPECT_THAT(ErrorOf("[{name: p, all: [{name: a, version: 1, do: {reset: true}}]}]"),
              HasSubstr("unknown key 'version' of a fault"));
}

TEST_F(FaultPlansTest, RefuseWhatIsNoFault) {
  EXPECT_THAT(ErrorOf("short"), HasSubstr("'faults' must be a list, not text"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("'faults' must not be empty"));
  EXPECT_THAT(ErrorOf("[17]"), HasSubstr("an item of 'faults' must be text, not the number 17"));
  EXPECT_THAT(ErrorOf("[{name: x}]"), HasSubstr("this fault does nothing"));
  EXPECT_THAT(ErrorOf("[{do: {reset: true}}]"), HasSubstr("this fault has no 'name'"));
  EXPECT_THAT(ErrorOf("[{name: p, all: [{do: {reset: true}}, {name: b, do: {reset: true}}]}]"),
              StartsWith("scenario.yaml:4:26: error: this fault has no 'name'\n"));
  EXPECT_THAT(ErrorOf("[{name: p, all: []}]"), HasSubstr("'all' must not be empty"));
  EXPECT_THAT(ErrorOf("[{name: x, do: {reset: true}, link: {count: 1}}]"),
              HasSubstr("a fault is of one class, not 'do' and 'link'"));
  EXPECT_THAT(ErrorOf("[{name: x, seed: many, do: {reset: true}}]"),
              HasSubstr("'seed' must be a number such as 17 or 0x5eed, not text"));
  EXPECT_THAT(ErrorOf("[{name: x, seed: 18446744073709551616, do: {reset: true}}]"),
              HasSubstr("hint: from 0 to 18446744073709551615\n"));
  EXPECT_EQ(ErrorOf("[{name: x, seed: 18446744073709551615, do: {reset: true}}]"), "");
}

TEST_F(FaultPlansTest, RefuseNamesThatNoFileHas) {
  const std::vector<std::string> names = {"a/b", "../slow", "none",
                                          "-x",  "\"a b\"", std::string(48, 'a')};
  for (const std::string& name : names)
    EXPECT_THAT(ErrorOf("[{name: " + name + ", do: {reset: true}}]"),
                HasSubstr("cannot name a fault"));
  EXPECT_THAT(ErrorOf("[slow, {name: slow, do: {reset: true}}]"),
              HasSubstr("two items of 'faults' are named 'slow'"));
}

TEST_F(FaultPlansTest, RefuseTwoFaultsOfOneNameWhereTheSecondStands) {
  const std::string one = "{name: x, do: {reset: true}}";
  EXPECT_THAT(ErrorOf("[{name: p, all: [" + one + ", " + one + "]}]"),
              StartsWith("scenario.yaml:4:63: error: two faults of this plan are named 'x'\n"));
  EXPECT_EQ(Parse("[{name: p, all: [" + one + ", {name: y, do: {reset: true}}]}]").size(), 1u);
}

TEST_F(FaultPlansTest, RefuseNamesThatThereAreNot) {
  EXPECT_THAT(ErrorOf("[slows]"),
              StartsWith("scenario.yaml:4:10: error: there is no fault plan 'slows'\n"));
  EXPECT_THAT(ErrorOf("[slows]"), HasSubstr("did you mean 'slow'?"));
  EXPECT_THAT(ErrorOf("[../faults/slow]"), HasSubstr("there is no fault plan '../faults/slow'"));
}

TEST_F(FaultPlansTest, PlaceWhatCannotApplyAtTheKeyAtFault) {
  EXPECT_EQ(
      ErrorOf("[{name: p, all: [{name: a, do: {reset: true}}, {name: never, do: {reset: true}}]}]"),
      "scenario.yaml:4:70: error: never: it can never apply\n"
      "faults: [{name: p, all: [{name: a, do: {reset: true}}, {name: never, do: {reset: true}}]}]\n"
      "                                                                     ^~\n"
      "hint: drop it\n");
  EXPECT_THAT(
      ErrorOf("[{name: p, all: [{name: a, do: {reset: true}}, {name: b, do: {reset: true}}, "
              "{name: c, do: {reset: true}}]}]"),
      StartsWith("scenario.yaml:4:20: error: these faults contradict each other\n"));
}

TEST_F(FaultPlansTest, PlaceWhatCannotApplyInAFileOfOneFault) {
  const auto error_of = [&](const std::string& text) {
    folder_.Write("faults/never.yaml", "version: 1\nsummary: s\n" + text);
    return ErrorOf("[never]");
  };
  EXPECT_EQ(error_of("at:\n  call: recv\n  offset: 3\ndo: {reset: true}\n"),
            "never.yaml:5:3: error: never: it can never apply\n"
            "  offset: 3\n"
            "  ^~~~~~\n"
            "hint: drop it\n");
  EXPECT_THAT(error_of("do: {reset: true}\n"), StartsWith("never.yaml:3:1: error: never: it"));
  // What is not written is as near as what it belongs to.
  EXPECT_THAT(error_of("do: {reset: true}\nat: {call: recv}\n"),
              StartsWith("never.yaml:4:1: error: never: it"));
}

TEST_F(FaultPlansTest, PlaceErrorsInTheirOwnFile) {
  const auto error_of = [&](const std::string& text) {
    folder_.Write("faults/slow.yaml", text);
    return ErrorOf("[slow]");
  };
  EXPECT_THAT(error_of("summary: s\ndo: {reset: true}\n"),
              StartsWith("slow.yaml:1:1: error: this plan has no 'version'\n"));
  EXPECT_THAT(error_of("version: 2\nsummary: s\ndo: {reset: true}\n"),
              StartsWith("slow.yaml:1:10: error: 'version' must be from 1 to 1, not 2\n"));
  EXPECT_THAT(error_of("version: 1\ndo: {reset: true}\n"), HasSubstr("this plan has no 'summary'"));
  EXPECT_THAT(error_of("version: 1\nsummary: \"a\\nb\"\ndo: {reset: true}\n"),
              HasSubstr("'summary' must be one line"));
  EXPECT_THAT(error_of("version: 1\nsummary: s\ndo: {rest: true}\n"),
              StartsWith("slow.yaml:3:6: error: unknown key 'rest' of 'do'\n"));
  EXPECT_THAT(error_of("version: 1\nsummary: s\n"), HasSubstr("this fault does nothing"));
  EXPECT_THAT(error_of("[]"), HasSubstr("a fault plan must be a mapping, not a list"));
}

TEST_F(FaultPlansTest, AreFoundByTheirNameOrFile) {
  const Vocabulary vocabulary = folder_.vocabulary();
  EXPECT_TRUE(FindFaultPlan("none", vocabulary)->plan.is_null());
  EXPECT_EQ(FindFaultPlan("slow", vocabulary)->argument, "slow");
  folder_.Write("mine.yaml", kSlow);
  const std::string file = JoinPath(folder_.path(), "mine.yaml");
  const Result<FaultChoice> mine = FindFaultPlan(file, vocabulary);
  EXPECT_EQ(mine->name, "mine");
  EXPECT_EQ(mine->argument, file);
  EXPECT_EQ(FindFaultPlan("absent", vocabulary).error().message, "there is no fault plan 'absent'");
  folder_.Write("a b.yaml", kSlow);
  EXPECT_EQ(FindFaultPlan(JoinPath(folder_.path(), "a b.yaml"), vocabulary).error().message,
            "'a b' cannot name a fault plan");
}

TEST_F(FaultPlansTest, AreListedOnceEach) {
  folder_.Write("more/slow.yaml", kSlow);
  folder_.Write("more/fast.yaml", kSlow);
  folder_.Write("more/README.md", "");
  Vocabulary vocabulary = folder_.vocabulary();
  vocabulary.fault_folders.push_back(JoinPath(folder_.path(), "more"));
  vocabulary.fault_folders.push_back(JoinPath(folder_.path(), "absent"));
  const std::vector<FaultPlanFile> plans = ListFaultPlans(vocabulary);
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_EQ(plans[0].name, "fast");
  EXPECT_EQ(plans[1].name, "slow");
  EXPECT_EQ(plans[1].file, JoinPath(folder_.path(), "faults/slow.yaml"));
}

}  // namespace
}  // namespace trireme
