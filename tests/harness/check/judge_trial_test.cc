#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/check/judge.h"
#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

TEST(JudgeTrialTest, RejectsACrashAlsoOfATrialThatSaysUnsupported) {
  const auto judge = [](const std::string& how, const Json& exit) {
    TrialBuilder trial;
    return JudgeTrial(
        trial.End("unsupported", {{"message", "no datagrams"}}).Exit(how, exit).View());
  };
  EXPECT_EQ(judge("exited", Json::object()).unsupported, "no datagrams");
  const TrialJudgement crashed = judge("signalled", {{"signal", 11}});
  EXPECT_EQ(crashed.verdict, Verdict::kFail);
  EXPECT_EQ(crashed.unsupported, "");
}

TrialJudgement JudgeRecord(TrialBuilder& trial) { return JudgeTrial(trial.View()); }

TEST(JudgeTrialTest, CannotPassATrialThatForgotToAwait) {
  const std::string text = "coroutine 'Runtime.sleep' was never awaited (workload.py:4)";
  TrialBuilder trial;
  trial.Observe("x", 1).Add(EventKind::kWarning, 950, "never-awaited", text);
  const TrialJudgement judgement = JudgeRecord(trial.End().Exit("exited"));
  EXPECT_EQ(judgement.verdict, Verdict::kUnknown);
  EXPECT_EQ(judgement.reason, text);
}

TEST(JudgeTrialTest, CannotPassATrialThatRecordedNothing) {
  EXPECT_EQ(JudgeRecord(TrialBuilder().End().Exit("exited")).reason,
            "it recorded no operation and no observation");
  EXPECT_EQ(JudgeRecord(TrialBuilder().Observe("x", 1).End().Exit("exited")).verdict,
            Verdict::kPass);
  EXPECT_EQ(JudgeRecord(TrialBuilder().OpenOp(1, "x", 1).End().Exit("exited")).verdict,
            Verdict::kPass);
}

TEST(JudgeTrialTest, CannotPassATrialThatNeverBegan) {
  TrialBuilder trial{TrialBuilder::Empty()};
  EXPECT_EQ(JudgeRecord(trial.Observe("x", 1).End().Exit("exited")).reason,
            "the workload never began");
}

TEST(JudgeTrialTest, CannotPassATrialThatTookItsRecordingAway) {
  TrialBuilder trial{TrialBuilder::Empty()};
  EXPECT_EQ(JudgeRecord(trial.Exit("exited", {{"recording_lost", true}})).reason,
            "its recording was taken away: something in the trial removed or overwrote the trial's "
            "own folder");
}

TEST(JudgeTrialTest, CannotPassATrialThatOutlivedTheHarness) {
  EXPECT_EQ(JudgeRecord(TrialBuilder().Observe("x", 1)).reason,
            "the harness was gone before the trial ended");
}

TEST(JudgeTrialTest, CannotDecideACommandThatCouldNotBeStarted) {
  const Json command = {{"scenario", "command"}, {"command", {"python3"}}};
  const auto judge = [](const Json& cell) {
    return JudgeTrial(TrialBuilder()
                          .Cell(cell)
                          .Add(EventKind::kWarning, 500, "not-started", "Cannot allocate memory")
                          .Exit("exited", {{"code", 0}})
                          .View());
  };
  const TrialJudgement judgement = judge(command);
  EXPECT_EQ(judgement.verdict, Verdict::kUnknown);
  EXPECT_EQ(judgement.reason, "the command did not start: Cannot allocate memory");
  EXPECT_EQ(judge({{"scenario", "s"}}).verdict, Verdict::kFail);
}

// Nothing says that the process did not end as it should.
TEST(JudgeTrialTest, CannotDecideATrialWhoseEndIsGarbled) {
  TrialBuilder kind;
  kind.Observe("x", 1).Add(static_cast<EventKind>(0x4002), 950, "returned", nullptr);
  const TrialJudgement judgement = JudgeRecord(kind.Exit("exited", {{"code", 0}}));
  EXPECT_EQ(judgement.verdict, Verdict::kUnknown);
  EXPECT_EQ(judgement.reason,
            "the history is damaged: it has no end of the trial, but a record of kind 16386, which "
            "is none");
  const TrialJudgement end =
      JudgeRecord(TrialBuilder().Observe("x", 1).End("retvrned").Exit("exited", {{"code", 0}}));
  EXPECT_EQ(end.verdict, Verdict::kUnknown);
  EXPECT_EQ(end.reason, "the history is damaged: the end of the trial is none: 'retvrned'");
  const TrialJudgement exit = JudgeRecord(TrialBuilder().Observe("x", 1).End().Exit("exitfd"));
  EXPECT_EQ(exit.verdict, Verdict::kUnknown);
  EXPECT_EQ(exit.reason, "the history is damaged: the exit of the trial is none: 'exitfd'");
}

// What a later version records beside what this one knows, and deaths that need no end to be seen.
TEST(JudgeTrialTest, JudgesBesideRecordsThatItDoesNotKnow) {
  const auto judge = [](bool ended, const std::string& how, const Json& exit) {
    TrialBuilder trial;
    trial.Observe("x", 1).Add(static_cast<EventKind>(99), 900, "later");
    if (ended) trial.End();
    return JudgeRecord(trial.Exit(how, exit)).verdict;
  };
  EXPECT_EQ(judge(true, "exited", {{"code", 0}}), Verdict::kPass);
  EXPECT_EQ(judge(false, "signalled", {{"signal", 11}}), Verdict::kFail);
  EXPECT_EQ(judge(false, "exited", {{"code", 3}}), Verdict::kFail);
}

TEST(JudgeTrialTest, NamesTheLineThatSuspended) {
  const TrialJudgement judgement = JudgeRecord(
      TrialBuilder()
          .Observe("x", 1)
          .End("suspended", ErrorJson("RuntimeError", "other", nullptr,
                                      "it awaits what is not rt's", {"workload.py:7 in main"}))
          .Exit("exited"));
  EXPECT_EQ(judgement.verdict, Verdict::kUnknown);
  EXPECT_EQ(judgement.reason,
            "suspended in something that is not the runtime API: it awaits what is not rt's at "
            "workload.py:7 in main");
}

TEST(JudgeTrialTest, JudgesHangsAndCrashesWhateverTheChecks) {
  TrialBuilder crashed;
  crashed.Cell({{"id", "x"}, {"checks", Json::array()}}).Exit("signalled", {{"signal", 11}});
  EXPECT_EQ(JudgeTrial(crashed.View()).verdict, Verdict::kFail);
}

class ThrowingChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "throwing"; }
  std::string_view Summary() const override { return ""; }
  CheckResult Check(const TrialView&, const Json&) const override {
    throw std::runtime_error("at the end of its wits");
  }
};

TEST(RunCheckerTest, IsUnknownWhenTheCheckerThrows) {
  EXPECT_EQ(TrialBuilder().Check(ThrowingChecker()).reason,
            "the check throwing broke: at the end of its wits");
}

TEST(CheckersTest, AreDescribedForTheVocabulary) {
  std::vector<std::string> defaults;
  for (const CheckDescription& check : DescribeChecks()) {
    EXPECT_FALSE(check.summary.empty()) << check.name;
    if (check.by_default) defaults.push_back(check.name);
  }
  EXPECT_EQ(defaults, (std::vector<std::string>{"equivalence", "progress", "unhandled-exception",
                                                "leak", "multiple-readers", "multiple-writers"}));
  EXPECT_EQ(FindTrialChecker("no-such-check"), nullptr);
}

}  // namespace
}  // namespace trireme
