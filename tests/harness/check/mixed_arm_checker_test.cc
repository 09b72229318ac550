#include "harness/check/mixed_arm_checker.h"

#include <gmock/gmock.h>

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

Json CommandCell(const std::string& runtime) {
  return {{"id", "command"},
          {"scenario", "command"},
          {"runtime", runtime},
          {"model", runtime.starts_with("eventlet") ? "green" : "native"},
          {"interpreter_path", "/venv/bin/python"},
          {"command", {"python3", "-m", "pytest"}}};
}

Json Process(const Json& patched, const Json& changes = Json::object()) {
  Json record = {{"process", 7},
                 {"argv", {"suite.py"}},
                 {"executable", "/venv/bin/python3"},
                 {"imported", !patched.empty()},
                 {"importers", Json::array()},
                 {"patched", patched},
                 {"hub", nullptr},
                 {"hub_ran", false},
                 {"gil", true},
                 {"versions", {{"python", "3.13.0"}}}};
  record.update(changes);
  return record;
}

TrialBuilder Command(const std::string& runtime, const std::vector<Json>& processes) {
  TrialBuilder trial;
  trial.Cell(CommandCell(runtime)).Observe("exit-status", 0);
  for (const Json& process : processes) trial.Add(EventKind::kWarning, 950, "environment", process);
  return trial;
}

CheckResult CheckMixedArm(TrialBuilder trial) { return trial.Check(MixedArmChecker()); }

TEST(MixedArmCheckerTest, LeavesWorkloadsAlone) {
  EXPECT_EQ(CheckMixedArm(TrialBuilder()).verdict, Verdict::kPass);
}

TEST(MixedArmCheckerTest, AcceptsAPatchedGreenArm) {
  EXPECT_EQ(CheckMixedArm(Command("eventlet", {Process({"os", "socket"})})).verdict,
            Verdict::kPass);
}

TEST(MixedArmCheckerTest, CannotDecideAGreenArmThatWasNotPatched) {
  const CheckResult result = CheckMixedArm(Command("eventlet", {Process(Json::array())}));
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason,
            "mixed arm: the eventlet arm was not patched in 'suite.py', which could not import "
            "eventlet");
  ASSERT_EQ(result.findings.size(), 1U);
  EXPECT_EQ(result.findings[0].kind, "mixed-arm");
}

TEST(MixedArmCheckerTest, AcceptsAnotherPythonBesideAGreenArm) {
  const Json other = Process(Json::array(), {{"executable", "/usr/bin/python3"}});
  EXPECT_EQ(CheckMixedArm(Command("eventlet", {other, Process({"os"})})).verdict, Verdict::kPass);
}

TEST(MixedArmCheckerTest, AcceptsEventletThatWasOnlyImported) {
  EXPECT_EQ(
      CheckMixedArm(Command("threading", {Process(Json::array(), {{"imported", true}})})).verdict,
      Verdict::kPass);
}

// Of a suite that is patched, no test ran on threads; of one that starts a patched program, all but those named did.
TEST(MixedArmCheckerTest, NamesNoTestsOfASuiteThatIsPatched) {
  const auto tests_of = [](const Json& process) {
    TrialBuilder trial = Command("threading", {process});
    trial.Add(EventKind::kWarning, 940, "mixed-arm", "t::green");
    return CheckMixedArm(trial).findings.at(0).evidence.at("tests");
  };
  EXPECT_EQ(tests_of(Process({"os"}, {{"suite", nullptr}})), Json::array());
  EXPECT_EQ(tests_of(Process({"os"}, {{"program", nullptr}})), Json::array());
  EXPECT_EQ(tests_of(Process({"os"})), Json::array({"t::green"}));
  EXPECT_EQ(tests_of(Process(Json::array(), {{"suite", nullptr}})), Json::array({"t::green"}));
}

TEST(MixedArmCheckerTest, CannotDecideTestsThatRanOnAHub) {
  TrialBuilder trial = Command(
      "threading",
      {Process(Json::array(),
               {{"hub_ran", true}, {"imported", true}, {"importers", {"__main__", "outer"}}})});
  for (const char* test : {"t::a", "t::b", "t::c", "t::d", "t::e", "t::f", "t::g"})
    trial.Add(EventKind::kWarning, 940, "mixed-arm", test);
  const CheckResult result = CheckMixedArm(trial);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason,
            "mixed arm: 7 tests ran on a hub in the threading arm, which should have none: t::a, "
            "t::b, t::c, t::d, t::e and 2 more; eventlet was imported by __main__ > outer");
  ASSERT_EQ(result.findings.size(), 1U);
  EXPECT_EQ(result.findings[0].message, result.reason);
  EXPECT_EQ(result.findings[0].evidence.at("tests").size(), 7U);
}

TEST(MixedArmCheckerTest, CannotDecideAHubOutsideOfTests) {
  EXPECT_EQ(
      CheckMixedArm(Command("threading", {Process(Json::array(), {{"hub_ran", true}})})).reason,
      "mixed arm: a hub ran in the threading arm, which should have none");
}

Json OnHubs(const Json& hubs) {
  return Process({"os"}, {{"arm_hub", "asyncio"}, {"hubs", hubs}, {"importers", {"trireme"}}});
}

TEST(MixedArmCheckerTest, AcceptsTheHubOfTheArm) {
  EXPECT_EQ(CheckMixedArm(Command("eventlet-asyncio", {OnHubs({"asyncio"})})).verdict,
            Verdict::kPass);
  EXPECT_EQ(CheckMixedArm(Command("eventlet-asyncio", {OnHubs(Json::array())})).verdict,
            Verdict::kPass);
}

TEST(MixedArmCheckerTest, CannotDecideTestsOnAnotherHub) {
  TrialBuilder trial = Command("eventlet-asyncio", {OnHubs({"asyncio", "epolls"})});
  trial.Add(EventKind::kWarning, 940, "mixed-arm", "t::a");
  EXPECT_EQ(CheckMixedArm(trial).reason,
            "mixed arm: 1 test ran on epolls in the eventlet-asyncio arm, whose hub is asyncio: "
            "t::a");
}

TEST(MixedArmCheckerTest, CannotDecideAnotherHubOutsideOfTests) {
  EXPECT_EQ(CheckMixedArm(Command("eventlet-asyncio", {OnHubs({"epolls"})})).reason,
            "mixed arm: the hub was epolls in the eventlet-asyncio arm, whose hub is asyncio");
}

TEST(MixedArmCheckerTest, AcceptsRecordsThatNameNoHubOfTheArm) {
  EXPECT_EQ(CheckMixedArm(Command("eventlet", {Process({"os"}, {{"hub", "poll"}})})).verdict,
            Verdict::kPass);
}

TEST(MixedArmCheckerTest, CannotDecideAnArmThatPatchedItself) {
  EXPECT_EQ(CheckMixedArm(Command("threading", {Process({"os", "time"})})).reason,
            "mixed arm: the threading arm was monkey-patched (os, time)");
}

TEST(MixedArmCheckerTest, CannotDecideWithoutAPythonOfTheEnvironment) {
  const CheckResult none = CheckMixedArm(Command("threading", {}));
  EXPECT_EQ(none.verdict, Verdict::kUnknown);
  EXPECT_EQ(none.reason,
            "the command started no Python of /venv/bin/python that said what it ran on (exit "
            "status 0); a PYTHONPATH of the command's own, -E, -I and -S keep one from saying it, and so "
            "do os._exit and a signal that ends it where it imported eventlet by itself");
  EXPECT_TRUE(none.findings.empty());
  const Json other = Process(Json::array(), {{"executable", "/usr/bin/python3"}});
  EXPECT_EQ(CheckMixedArm(Command("threading", {other})).reason,
            "the command started no Python of /venv/bin/python that said what it ran on, only "
            "/usr/bin/python3 (exit status 0)");
}

// os._exit() in a test, say, which leaves nothing else behind.
TEST(MixedArmCheckerTest, NamesTheTestInWhichACommandEndedWithoutAWord) {
  TrialBuilder silent = Command("threading", {});
  EXPECT_THAT(CheckMixedArm(silent.OpenOp(1, "test", 30, "suite.py::test_exit")).reason,
              testing::HasSubstr("(exit status 0); not ended: suite.py::test_exit; a PYTHONPATH"));
}

// A process that was ended without its last word: a signal, os._exit().
class EndedEarlyTest : public testing::Test {
 protected:
  void TellSoFar(Json changes, const Json& patched = Json::array()) {
    changes["begun"] = 5;
    trial_.Add(EventKind::kWarning, 940, "environment-so-far", Process(patched, changes));
  }
  CheckResult Check() { return CheckMixedArm(trial_); }

  TrialBuilder trial_ = Command("threading", {});
};

TEST_F(EndedEarlyTest, IsWhatItToldBefore) {
  TellSoFar(Json::object());
  EXPECT_EQ(Check().verdict, Verdict::kPass);
}

TEST_F(EndedEarlyTest, TellsOfAHubThatRan) {
  TellSoFar({{"hub_ran", true}});
  EXPECT_EQ(Check().reason,
            "mixed arm: a hub ran in the threading arm, which should have none");
}

TEST_F(EndedEarlyTest, MayHaveBeenPatchedOnceEventletWasImported) {
  TellSoFar(Json::object());
  TellSoFar({{"importers", {"__main__"}}});
  EXPECT_THAT(Check().reason, testing::HasSubstr("that said what it ran on"));
}

TEST_F(EndedEarlyTest, IsPatchedOnAGreenArm) {
  trial_ = Command("eventlet", {});
  TellSoFar({{"importers", {"trireme"}}}, {"os", "socket"});
  EXPECT_EQ(Check().verdict, Verdict::kPass);
}

TEST_F(EndedEarlyTest, SaysNothingOfTheProgramThatItBecame) {
  TellSoFar(Json::object());
  TellSoFar({{"replaced", true}});
  EXPECT_THAT(Check().reason, testing::HasSubstr("that said what it ran on"));
}

TEST_F(EndedEarlyTest, DidNotRunAllTestsOfItsSuite) {
  TellSoFar({{"suite", {{"reason", "pytest was ended before its tests were"}}}});
  trial_.Observe("test:t::a", "passed").OpenOp(1, "test", 30, "t::b");
  EXPECT_EQ(Check().reason,
            "pytest was ended before its tests were (exit status 0); not ended: t::b");
}

TEST_F(EndedEarlyTest, IsNotWhoEndedByItself) {
  TellSoFar({{"suite", {{"reason", "pytest was ended before its tests were"}}}});
  trial_.Add(EventKind::kWarning, 950, "environment",
             Process(Json::array(), {{"begun", 5}, {"suite", nullptr}}));
  EXPECT_EQ(Check().verdict, Verdict::kPass);
}

TEST(MixedArmCheckerTest, CannotDecideWithoutATest) {
  const Json pytest = Process(Json::array(), {{"versions", {{"pytest", "9.2.0"}}}});
  EXPECT_EQ(CheckMixedArm(Command("threading", {pytest})).reason,
            "pytest ran no test (exit status 0)");
  EXPECT_EQ(CheckMixedArm(Command("threading", {pytest}).Observe("test:t::a", "passed")).verdict,
            Verdict::kPass);
}

const Json kStarted = nullptr;
const Json kNotStarted = {{"reason", "the command did not start: x"}, {"missing_module", false}};

std::string WhyCommandNotStarted(int status, const std::vector<Json>& starts,
                                 TrialBuilder trial = {}) {
  std::vector<Json> processes;
  processes.reserve(starts.size());
  for (const Json& start : starts) processes.push_back(Process(Json::array(), start));
  trial.Cell(CommandCell("threading")).Observe("exit-status", status);
  for (const Json& process : processes) trial.Add(EventKind::kWarning, 950, "environment", process);
  return WhyNotStarted(trial.Finish().View());
}

TEST(MixedArmCheckerTest, TellsACommandThatNeverStarted) {
  EXPECT_EQ(WhyCommandNotStarted(1, {}), "");
  EXPECT_EQ(WhyCommandNotStarted(1, {{{"program", kStarted}}}), "");
  EXPECT_EQ(WhyCommandNotStarted(1, {{{"program", kNotStarted}}}), "the command did not start: x");
  EXPECT_EQ(WhyCommandNotStarted(0, {{{"program", kNotStarted}}}), "");
  EXPECT_EQ(WhyCommandNotStarted(1, {{{"program", kNotStarted}}, {{"program", kStarted}}}), "");
  EXPECT_EQ(WhyCommandNotStarted(1, {{{"program", kNotStarted}}, Json::object()}),
            "the command did not start: x");
  const Json missing = {{"reason", "pytest could not collect t"}, {"missing_module", true}};
  EXPECT_EQ(WhyCommandNotStarted(0, {{{"program", kStarted}}, {{"suite", missing}}}),
            "pytest could not collect t; /venv/bin/python3 lacks it: activate the virtual "
            "environment that has the project's dependencies, or name its interpreter by --python "
            "NAME=PATH");
  EXPECT_EQ(WhyCommandNotStarted(1, {{{"program", kNotStarted}}, {{"suite", kStarted}}}), "");
}

TEST(MixedArmCheckerTest, TellsARunnerOfNoTestFromOneWhoseWorkerWasSilent) {
  const Json lister = {{"suite", {{"reason", "the test runner ran no test"}, {"ran_none", true}}}};
  EXPECT_EQ(WhyCommandNotStarted(1, {lister}), "the test runner ran no test");
  EXPECT_EQ(WhyCommandNotStarted(1, {lister, {{"suite", kStarted}}}), "");
  EXPECT_EQ(WhyCommandNotStarted(1, {lister}, TrialBuilder().Observe("test:t", "passed")), "");
}

TEST(MixedArmCheckerTest, MergesWhatProcessesSay) {
  TrialBuilder trial =
      Command("eventlet", {Process({"os"}, {{"hub", "epolls"}, {"versions", {{"a", "1"}}}}),
                           Process({"os"}, {{"hub_ran", true}, {"versions", {{"b", "2"}}}})});
  const Json environment = CommandEnvironment(trial.Finish().View());
  EXPECT_EQ(environment.at("patched"), true);
  EXPECT_EQ(environment.at("hub"), "epolls");
  EXPECT_EQ(environment.at("hub_ran"), true);
  EXPECT_EQ(environment.at("versions").size(), 2U);
  EXPECT_EQ(environment.at("processes"), 2);
  EXPECT_TRUE(CommandEnvironment(Command("eventlet", {}).Finish().View()).empty());
}

TEST(MixedArmCheckerTest, ToleratesDamagedRecords) {
  for (const Json& record : {Json("x"), Json({{"patched", 3}, {"versions", 1}}), Json(nullptr)})
    EXPECT_EQ(CheckMixedArm(Command("threading", {record})).verdict, Verdict::kUnknown);
}

}  // namespace
}  // namespace trireme
