#include "harness/scenario/replay.h"

#include <gtest/gtest.h>

#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using testing::ScenarioFolder;
using testing::TestVocabulary;

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() {
    options_.seed = 0x5eed;
    options_.interpreters = {{.name = "3.11", .path = "/usr/bin/python3.11"}};
  }

  // The replay line of the last cell.
  std::string ReplayOf(const Scenario& scenario) {
    const Result<Plan> plan = MakePlan({scenario}, options_, TestVocabulary());
    EXPECT_TRUE(plan.ok());
    return plan.ok() ? plan->cells.back().replay : "";
  }
  std::string ReplayOf(const std::string& text) { return ReplayOf(*folder_.Parse(Complete(text))); }

  ScenarioFolder folder_;
  PlanOptions options_;
};

TEST_F(ReplayTest, NamesScenarioRuntimeAndSeed) {
  EXPECT_EQ(ReplayOf("runtimes: [thread]\n"),
            "trireme run hazards/test --runtimes thread --seed 0x5eed");
}

TEST_F(ReplayTest, NamesTheInterpreter) {
  EXPECT_EQ(ReplayOf("runtimes: [eventlet]\n"),
            "trireme run hazards/test --runtimes eventlet --interpreters 3.11 --seed 0x5eed");
}

TEST_F(ReplayTest, NamesTheInterpreterOfTheReferenceForCpp) {
  EXPECT_EQ(ReplayOf("runtimes: [eventlet, thread]\n"),
            "trireme run hazards/test --runtimes thread --interpreters 3.11 --seed 0x5eed");
}

TEST_F(ReplayTest, CarriesEveryOptionThatShapedTheCell) {
  options_.trials = 7;
  options_.timeout = 1'500'000'000;
  options_.reference = "thread";
  options_.params = {{"text", "it's"}, {"n", 2}};
  options_.replay_options = {"--python", "mine=/opt/my python"};
  EXPECT_EQ(ReplayOf("runtimes: [thread]\nparams: {n: 1, text: x}\n"),
            "trireme run hazards/test --runtimes thread --seed 0x5eed --trials 7 --timeout 1500ms "
            "--reference thread "
            "--param 'text=it'\\''s' --param n=2 --python 'mine=/opt/my python'");
}

TEST_F(ReplayTest, TurnsAProfileIntoItsTrials) {
  options_.profile = "nightly";
  EXPECT_EQ(ReplayOf("runtimes: [thread]\ntrials: 20\n"),
            "trireme run hazards/test --runtimes thread --seed 0x5eed --trials 200");
}

TEST_F(ReplayTest, PicksTheCellOfAMatrix) {
  EXPECT_EQ(ReplayOf("runtimes: [thread]\nmatrix: {a: [1, '1'], b: [[x]]}\n"),
            "trireme run hazards/test --runtimes thread --seed 0x5eed --param 'a=\"1\"' --param "
            "'b=[\"x\"]'");
}

TEST_F(ReplayTest, QuotesACommand) {
  const Scenario scenario =
      MakeCommandScenario({"python3", "-m", "pytest", "my tests"}, "/", TestVocabulary());
  EXPECT_EQ(ReplayOf(scenario),
            "trireme run --runtimes threading --interpreters 3.11 --seed 0x5eed -- python3 -m "
            "pytest 'my tests'");
}

// What the line says plans one subject cell, the same one.
TEST_F(ReplayTest, PlansTheSameCellAgain) {
  const Scenario scenario =
      *folder_.Parse(Complete("trials: 5\nmatrix: {a: [1, '1', null, 1.5], b: [{c: x}, true]}\n"));
  const Result<Plan> plan = MakePlan({scenario}, options_, TestVocabulary());
  ASSERT_TRUE(plan.ok());
  for (const PlannedCell& cell : plan->cells) {
    PlanOptions again = options_;
    again.runtimes = {cell.runtime};
    for (const auto& [key, value] : cell.params.items())
      again.params.push_back(*ParseParam(FormatParam(key, value)));
    const Result<Plan> replayed = MakePlan({scenario}, again, TestVocabulary());
    ASSERT_TRUE(replayed.ok()) << replayed.error().Render();
    EXPECT_EQ(replayed->cells.front().id, cell.id);
    EXPECT_EQ(replayed->cells.front().replay, cell.replay);
  }
}

TEST(ParamTest, SurvivesTheWayThroughText) {
  for (const Json& value :
       {Json("x"), Json(""), Json("12"), Json("true"), Json("null"), Json("~"), Json("[1"),
        Json("\"q\""), Json("a=b c"), Json(12), Json(-1.5), Json(1e300), Json(true), Json(nullptr),
        Json::array({1, "x"}), Json({{"k", nullptr}}), Json("0x1f"), Json(".inf"), Json("\n")}) {
    const auto back = ParseParam(FormatParam("key", value));
    ASSERT_TRUE(back.ok()) << back.error().Render();
    EXPECT_EQ(back->first, "key");
    EXPECT_EQ(back->second, value);
  }
}

TEST(ParamTest, ReadsScalarsAsAScenarioDoes) {
  EXPECT_EQ(ParseParam("n=0x10")->second, 16);
  EXPECT_EQ(ParseParam("n=no")->second, "no");
  EXPECT_EQ(ParseParam("n=a=b")->second, "a=b");
}

TEST(ParamTest, RejectsWhatIsNoParam) {
  for (const char* text : {"", "=", "=1", "a b=1", "1a=2"})
    EXPECT_EQ(ParseParam(text).error().Render(),
              "error: --param takes KEY=VALUE, not '" + std::string(text) + "'\n");
  EXPECT_EQ(ParseParam("n=.inf").error().Render(),
            "error: --param n: '.inf' is no number that JSON has\n");
  EXPECT_FALSE(ParseParam("n=[1").ok());
}

TEST_F(ReplayTest, NamesTheFaultsOfTheCell) {
  const std::string faults = "{name: cut, do: {reset: true}}";
  const std::string line = "trireme run hazards/test --runtimes thread --seed 0x5eed";
  EXPECT_EQ(ReplayOf("runtimes: [thread]\nfaults: [" + faults + "]\n"), line + " --faults cut");
  EXPECT_EQ(ReplayOf("runtimes: [thread]\nfaults: [" + faults + ", none]\n"),
            line + " --faults none");
  options_.faults_chosen = true;
  EXPECT_EQ(ReplayOf("runtimes: [thread]\n"), line + " --faults none");
}

TEST_F(ReplayTest, TakesOtherFaults) {
  EXPECT_EQ(WithFaults("trireme run s --faults many --python 'a=b c'", "x y.yaml"),
            "trireme run s --python 'a=b c' --faults 'x y.yaml'");
  EXPECT_EQ(WithFaults("trireme run s --faults-from 'it'\\''s' --seed 0x5", "m.yaml"),
            "trireme run s --seed 0x5 --faults m.yaml");
  EXPECT_EQ(WithFaults("trireme run --seed 0x5 -- prog --faults own", "m.yaml"),
            "trireme run --seed 0x5 --faults m.yaml -- prog --faults own");
  EXPECT_EQ(WithOption("trireme run s", "--trial 3"), "trireme run s --trial 3");
}

}  // namespace
}  // namespace trireme
