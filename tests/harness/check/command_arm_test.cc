#include "harness/check/command_arm.h"

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

// A command under `model` whose Python says `process` of itself; null: no Python spoke.
TrialBuilder Arm(const std::string& model, const Json& process) {
  TrialBuilder trial;
  trial.Cell({{"command", {"python3", "-m", "pytest"}},
              {"model", model},
              {"interpreter_path", "/venv/bin/python"}});
  if (!process.is_null()) {
    Json value = {{"executable", "/venv/bin/python3"},
                  {"patched", Json::array()},
                  {"hub", nullptr},
                  {"hub_ran", false},
                  {"importers", Json::array()}};
    value.update(process);
    trial.Add(EventKind::kWarning, 500, "environment", value);
  }
  return trial;
}

CheckResult Judge(TrialBuilder trial) { return JudgeArm(trial.Finish().View()); }

const Json kPatched = {
    {"patched", {"os", "socket"}}, {"hub", "epolls"}, {"importers", {"trireme"}}};

TEST(JudgeArmTest, AcceptsAPatchedProgramInAGreenArm) {
  EXPECT_EQ(Judge(Arm("green", kPatched)).verdict, Verdict::kPass);
}

TEST(JudgeArmTest, AcceptsAPlainProgramInANativeArm) {
  EXPECT_EQ(Judge(Arm("native", Json::object())).verdict, Verdict::kPass);
}

TEST(JudgeArmTest, CannotDecideAGreenArmThatIsNotPatched) {
  EXPECT_EQ(Judge(Arm("green", Json::object())).reason,
            "mixed arm: Eventlet did not patch the program");
}

TEST(JudgeArmTest, CannotDecideANativeArmThatIsPatched) {
  EXPECT_EQ(Judge(Arm("native", kPatched)).reason,
            "mixed arm: Eventlet patched the program (Eventlet was imported by trireme)");
}

TEST(JudgeArmTest, CannotDecideANativeArmInWhichAHubRan) {
  EXPECT_EQ(Judge(Arm("native", {{"hub_ran", true}, {"importers", {"suite", "conftest"}}})).reason,
            "mixed arm: an Eventlet hub ran (Eventlet was imported by suite, conftest)");
}

TEST(JudgeArmTest, NamesTheTestThatRanOnAHub) {
  TrialBuilder trial = Arm("native", {{"hub_ran", true}, {"importers", {"conftest"}}});
  trial.Add(EventKind::kWarning, 400, "mixed-arm", "t.py::a")
      .Add(EventKind::kWarning, 410, "mixed-arm", "t.py::b");
  EXPECT_EQ(
      Judge(trial).reason,
      "mixed arm: t.py::a and 1 more ran on an Eventlet hub (Eventlet was imported by conftest)");
}

TEST(JudgeArmTest, CannotDecideWithoutPython) {
  EXPECT_EQ(
      Judge(Arm("native", nullptr)).reason,
      "the command ran no Python of /venv/bin/python to its end: nothing shows what it ran on");
}

TEST(JudgeArmTest, CannotDecideByAnotherPython) {
  EXPECT_EQ(Judge(Arm("native", {{"executable", "/usr/bin/python3"}})).verdict, Verdict::kUnknown);
}

TEST(JudgeArmTest, LeavesWorkloadsAlone) {
  TrialBuilder trial;
  EXPECT_EQ(JudgeArm(trial.Finish().View()).verdict, Verdict::kPass);
}

TEST(MeasuredEnvironmentTest, SaysWhatTheProgramSaid) {
  TrialBuilder trial = Arm("green", kPatched);
  const Json measured = MeasuredEnvironment(trial.Finish().View());
  EXPECT_EQ(GetMember(measured, "patched"), Json(true));
  EXPECT_EQ(GetMember(measured, "hub"), Json("epolls"));
}

}  // namespace
}  // namespace trireme
