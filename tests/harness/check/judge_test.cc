#include "harness/check/judge.h"

#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "tests/harness/check/json_schema.h"
#include "tests/harness/check/run_judge_fixture.h"

namespace trireme {
namespace {

// A descriptor that main left open, by its creator's stack.
TrialBuilder& LeakAt(TrialBuilder& builder, const std::string& frame) {
  return builder.Observe("total", 40)
      .Add(EventKind::kCensus, 1500, "descriptors",
           Json::array({{{"name", "socket"}, {"stack", Json::array({frame})}}}));
}

TEST_F(RunJudgeTest, LeavesAloneWhatIsSuppressedAndCountsIt) {
  for (int trial = 0; trial < 4; ++trial) {
    TrialBuilder here, there;
    Write(0, trial, LeakAt(here, "lib/known.py:3 in open"));
    Write(1, trial, LeakAt(there, "lib/known.py:9 in open"));
  }
  EXPECT_EQ(JudgeSaved().exit_code(), 1);
  plan_["suppressions"] = {{{"kind", "leak"},
                            {"frames", {"*known.py:* in open"}},
                            {"reason", "by design"},
                            {"place", "known.yaml:1"}},
                           {{"kind", "leak"},
                            {"frames", {"*other.py:*"}},
                            {"reason", "gone"},
                            {"place", "known.yaml:4"}}};
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.exit_code(), 0);
  EXPECT_TRUE(results.cells[1].findings.empty());
  ASSERT_EQ(results.cells[1].suppressed.size(), 1U);
  EXPECT_EQ(results.cells[1].suppressed[0].count, 4);
  ASSERT_EQ(results.cells[1].suppressed[0].findings.size(), 1U);
  EXPECT_EQ(results.cells[1].suppressed[0].findings[0].count, 4);
  EXPECT_EQ(results.cells[1].suppressed[0].findings[0].finding.kind, "leak");
  ASSERT_EQ(results.suppressions.size(), 2U);
  EXPECT_EQ(results.suppressions[0].count, 8);
  EXPECT_EQ(results.suppressions[1].Useless(), "known.yaml:4: gone: nothing matched it");
  EXPECT_EQ(SchemaProblem(ResultsSchema(), results.ToJson()), "");
}

TEST_F(RunJudgeTest, TakesGivenSuppressionsInsteadOfThePlans) {
  for (int trial = 0; trial < 4; ++trial) {
    TrialBuilder here, there;
    Write(0, trial, LeakAt(here, "lib/known.py:3 in open"));
    Write(1, trial, LeakAt(there, "lib/known.py:9 in open"));
  }
  plan_["suppressions"] = {{{"kind", "leak"}, {"frames", {"*"}}, {"place", "known.yaml:1"}}};
  EXPECT_EQ(JudgeSaved().exit_code(), 0);
  const auto again = JudgeSavedRun(directory_.path(), nullptr, std::vector<Suppression>());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->exit_code(), 1);
}

// Trial 0 leaks and is the same, trial 1 differs: two of four fail.
TEST_F(RunJudgeTest, CountsTrialsThatFailAndTrialsThatDiffer) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  Write(1, 0, TrialBuilder().Observe("total", 40, 10).Exit("timeout"));
  Write(1, 1, TrialBuilder().Observe("total", 39));
  Cell(1)["expect"] = {{"verdicts", {"fail"}}, {"rate", {0.5, 0.5}}};
  EXPECT_TRUE(JudgeSaved().cells[1].expected) << JudgeSaved().cells[1].reason;
  // One trial that does both counts once; of four, one is inside 20% to 30% and two are not.
  Write(1, 0, TrialBuilder().Observe("total", 40));
  Cell(1)["expect"] = {{"verdicts", {"fail"}}, {"rate", {0.2, 0.3}}};
  EXPECT_TRUE(JudgeSaved().cells[1].expected) << JudgeSaved().cells[1].reason;
}

TEST_F(RunJudgeTest, TakesTheVerdictOfTheRepetition) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  Write(1, 2, TrialBuilder().Observe("total", 40, 9000).Exit("timeout"));
  Write(1, 2, TrialBuilder().Observe("total", 40), true);
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].trials.executed, 4);
  EXPECT_EQ(results.cells[1].trials.pass, 4);
  const std::vector<std::string> notes = {"1 trial unknown at first, decided when repeated"};
  EXPECT_EQ(results.cells[1].notes, notes);
  EXPECT_TRUE(WriteFile(directory_.path() + "/results.json", DumpJson(results.ToJson())).ok());
  EXPECT_EQ(JudgeSaved().cells[1].notes, notes);
}

TEST_F(RunJudgeTest, IsUnknownWithTooManyUnknownTrials) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  Write(1, 2, TrialBuilder().Observe("total", 40, 9000).Exit("timeout"));
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].state, CellState::kUnknown);
  EXPECT_EQ(results.cells[1].reason,
            "1 of 4 trials unknown: too slow: it still progressed at its timeout of 10us");
  EXPECT_EQ(results.cells[1].replay, "trireme run tests/example --runtimes threading --trial 2");

  Cell(1)["max_unknown"] = 0.25;
  EXPECT_EQ(JudgeSaved().cells[1].state, CellState::kPass);
}

TEST_F(RunJudgeTest, FailsWithOneFailedTrialAndReplaysIt) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  Write(1, 3, TrialBuilder().Observe("total", 40, 10).Exit("timeout"));
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].state, CellState::kFail);
  EXPECT_EQ(results.cells[1].trials.fail, 1);
  ASSERT_EQ(results.cells[1].findings.size(), 1U);
  EXPECT_EQ(results.cells[1].findings[0].finding.kind, "hang");
  EXPECT_EQ(results.cells[1].findings[0].first_trial, 3);
  EXPECT_EQ(results.cells[1].replay, "trireme run tests/example --runtimes threading --trial 3");
}

TEST_F(RunJudgeTest, MeasuresWhatTheTrialsTook) {
  WriteAll(0, 40);
  Write(
      0, 0,
      TrialBuilder().Observe("total", 40).Add(EventKind::kMetric, 5, "latency", {0.25, "seconds"}));
  const RunResults results = JudgeSaved();
  EXPECT_EQ(DumpJson(results.cells[0].metrics.at("wall_seconds")),
            R"({"unit":"seconds","n":4,"min":0.5,"p50":0.5,"p99":0.5,"max":0.5})");
  EXPECT_EQ(results.cells[0].metrics.at("latency").at("n"), 1);
  EXPECT_EQ(results.cells[0].seconds, 2.0);
  EXPECT_FALSE(results.cells[1].seconds);
}

TEST_F(RunJudgeTest, SaysWhatItCannotMeasure) {
  WriteAll(0, 40);
  Write(0, 0,
        TrialBuilder().Observe("total", 40).Add(EventKind::kMetric, 5, "latency", {"NaN", "s"}));
  const RunResults results = JudgeSaved();
  EXPECT_FALSE(results.cells[0].metrics.contains("latency"));
  const std::vector<std::string> left_out = {
      "a value of the metric 'latency' is no number, and left out"};
  EXPECT_EQ(results.cells[0].notes, left_out);
  EXPECT_TRUE(results.cells[1].notes.empty());
}

TEST_F(RunJudgeTest, CountsTheTimeOfEveryAttempt) {
  Write(0, 0, TrialBuilder().Finish());
  Write(0, 0, TrialBuilder().Observe("total", 40), true);
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[0].trials.executed, 1);
  EXPECT_EQ(results.cells[0].seconds, 1.0);
}

// Asked as often as it is, a stop comes while the history is read, and between any two checks.
TEST_F(RunJudgeTest, GivesUpATrialWhereverItIsStopped) {
  WriteAll(0, 40);
  int asked = 0;
  RunJudge whole(plan_, [&] { return ++asked < 0; });
  EXPECT_EQ(Judge(whole, 0, 0).verdict, Verdict::kPass);
  ASSERT_GT(asked, 5);
  for (int last = 1; last <= asked; ++last) {
    int left = last;
    RunJudge judge(plan_, [&] { return --left <= 0; });
    const TrialJudgement judgement = Judge(judge, 0, 0);
    EXPECT_EQ(judgement.verdict, Verdict::kUnknown) << last;
    EXPECT_EQ(judgement.reason, "cut short: the run was interrupted while it was judged") << last;
    EXPECT_LT(left, 1) << last;
  }
  EXPECT_EQ(JudgeSaved().cells[0].state, CellState::kPass);
}

TEST_F(RunJudgeTest, KeepsWhatItFoundBeforeItWasStopped) {
  Write(0, 0, TrialBuilder().Observe("total", 40).Exit("signalled", {{"signal", 6}}));
  int asked = 0;
  RunJudge whole(plan_, [&] { return ++asked < 0; });
  EXPECT_EQ(Judge(whole, 0, 0).verdict, Verdict::kFail);
  RunJudge judge(plan_, [left = asked]() mutable { return --left <= 0; });
  EXPECT_EQ(Judge(judge, 0, 0).verdict, Verdict::kFail);
}

TEST_F(RunJudgeTest, CallsACellUnsupportedWhenItsWorkloadDoes) {
  WriteAll(0, 40);
  RunJudge judge(plan_);
  Write(1, 0, TrialBuilder().End("unsupported", {{"message", "no datagrams"}}).Exit("exited"));
  const TrialJudgement judgement = Judge(judge, 1, 0);
  EXPECT_EQ(judgement.unsupported, "no datagrams");
  EXPECT_EQ(judgement.line.at("verdict"), "unsupported");
  const RunResults results = judge.Finish(Json::object());
  EXPECT_EQ(results.cells[1].state, CellState::kUnsupported);
  EXPECT_EQ(results.cells[1].reason, "no datagrams");
  EXPECT_TRUE(results.cells[1].expected);
}

TrialBuilder SaysUnsupported() {
  return TrialBuilder().End("unsupported", {{"message", "no datagrams"}});
}

TEST_F(RunJudgeTest, FailsACellOfWhichOneTrialCrashedAndOneWasUnsupported) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  Write(1, 0, SaysUnsupported().Exit("exited"));
  Write(1, 1, TrialBuilder().Observe("total", 40).Exit("signalled", {{"signal", 6}}));
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].state, CellState::kFail);
  EXPECT_EQ(results.exit_code(), 1);
}

TEST_F(RunJudgeTest, IsUnknownWhereSomeTrialsPassAndSomeAreUnsupported) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  Write(1, 0, SaysUnsupported().Exit("exited"));
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].state, CellState::kUnknown);
  EXPECT_EQ(results.cells[1].reason, "1 trial was unsupported (no datagrams), 3 passed");
}

// What broke its runners is what failed: the refusal does not hide it, then or later.
TEST_F(RunJudgeTest, FailsARefusedCellWithAFailedTrial) {
  WriteAll(0, 40);
  Write(1, 0, TrialBuilder().Observe("total", 40).Exit("vanished"));
  EXPECT_TRUE(WriteFile(directory_.path() + "/plan.json", DumpJson(plan_)).ok());
  RunJudge judge(plan_);
  for (int trial = 0; trial < 4; ++trial) Judge(judge, 0, trial);
  Judge(judge, 1, 0);
  judge.Refuse(1, CellState::kUnknown, "three runners in a row broke");
  const RunResults results = judge.Finish(Json::object());
  EXPECT_EQ(results.cells[1].state, CellState::kFail);
  EXPECT_EQ(results.cells[1].notes.back(), "it did not run on: three runners in a row broke");
  EXPECT_EQ(SchemaProblem(ResultsSchema(), results.ToJson()), "");
  EXPECT_TRUE(WriteFile(directory_.path() + "/results.json", DumpJson(results.ToJson())).ok());
  EXPECT_EQ(DumpJson(JudgeSaved().ToJson().at("cells").at(1)),
            DumpJson(results.ToJson().at("cells").at(1)));
}

TEST_F(RunJudgeTest, IsUnknownWhereARefusedCellPassedSoFar) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  RunJudge judge(plan_);
  for (int trial = 0; trial < 4; ++trial) Judge(judge, 0, trial), Judge(judge, 1, trial);
  judge.Refuse(1, CellState::kUnknown, "three runners in a row broke");
  const RunResults results = judge.Finish(Json::object());
  EXPECT_EQ(results.cells[1].state, CellState::kUnknown);
  EXPECT_TRUE(WriteFile(directory_.path() + "/results.json", DumpJson(results.ToJson())).ok());
  EXPECT_EQ(JudgeSaved().cells[1].reason, "three runners in a row broke");
}

TEST_F(RunJudgeTest, ShowsWhatACommandRanOn) {
  for (int cell = 0; cell < 2; ++cell) {
    Cell(cell)["command"] = {"python3", "suite.py"};
    Cell(cell)["interpreter_path"] = "/venv/bin/python";
    const Json record = {{"executable", "/venv/bin/python3"},
                         {"patched", cell == 0 ? Json({"os"}) : Json::array()},
                         {"hub_ran", true},
                         {"gil", true}};
    for (int trial = 0; trial < 4; ++trial) {
      TrialBuilder builder;
      builder.Observe("exit-status", 0).Add(EventKind::kWarning, 950, "environment", record);
      Write(cell, trial, builder);
      if (trial == 1) Write(cell, trial, builder, true);
    }
  }
  Cell(0)["model"] = "green";
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[0].state, CellState::kPass) << results.cells[0].reason;
  EXPECT_EQ(results.cells[0].environment.at("patched"), true);
  EXPECT_EQ(results.cells[1].environment.at("patched"), false);
  EXPECT_EQ(results.cells[1].state, CellState::kUnknown);
  EXPECT_EQ(results.cells[1].reason,
            "4 of 4 trials unknown: mixed arm: a hub ran in the threading arm, which should have "
            "none");
  ASSERT_EQ(results.cells[1].findings.size(), 1U);
  EXPECT_EQ(results.cells[1].findings[0].finding.kind, "mixed-arm");
  EXPECT_EQ(results.cells[1].findings[0].count, 4);
  EXPECT_TRUE(results.cells[1].comparison.empty());
}

TEST_F(RunJudgeTest, KeepsWhyACellWasRefused) {
  RunJudge judge(plan_);
  judge.Refuse(0, CellState::kUnsupported, "eventlet is not installed");
  judge.Refuse(1, CellState::kUnknown, "workload.py has no main");
  judge.AddNote(0, "a note");
  judge.AddNote(0, "a note");
  const RunResults results = judge.Finish({{"id", "x"}});
  EXPECT_EQ(results.cells[0].state, CellState::kUnsupported);
  EXPECT_EQ(results.cells[0].notes.size(), 1U);
  EXPECT_EQ(results.cells[1].reason, "workload.py has no main");
  EXPECT_EQ(results.exit_code(), 4);
}

TEST_F(RunJudgeTest, DescribesATrialForItsFiles) {
  RunJudge judge(plan_);
  Write(0, 0, TrialBuilder().Observe("total", 1).Exit("timeout", Json::object(), 12000));
  const TrialJudgement judgement = Judge(judge, 0, 0);
  EXPECT_EQ(DumpJson(judgement.line),
            R"({"id":"example-eventlet/0","cell":"example-eventlet","trial":0,"seed":")" +
                FormatHex(TrialSeed(0x5eed, 0)) +
                R"(","attempt":"uuid","retry":false,"verdict":"fail","seconds":0.5})");
  EXPECT_EQ(judgement.document.at("findings").at(0).at("kind"), "hang");
  EXPECT_EQ(judgement.document.at("reason"), judgement.reason);
}

TEST_F(RunJudgeTest, CallsATrialUnknownThatTheHarnessCutShort) {
  RunJudge judge(plan_);
  Write(0, 0, TrialBuilder().Observe("total", 40).Exit("interrupted"));
  const TrialJudgement judgement = Judge(judge, 0, 0);
  EXPECT_EQ(judgement.verdict, Verdict::kUnknown);
  EXPECT_EQ(judgement.reason, "cut short: the run was interrupted");
  EXPECT_TRUE(judgement.findings.empty());
}

// Cells whose trials the plan kills, each after it has observed `total`: as the cell's number says, or the same in both.
class EndedByThePlanTest : public RunJudgeTest {
 protected:
  CellResult Threading(const Json& when, bool same) {
    Json kill = {{"signal", "KILL"}};
    kill.update(when);
    for (int cell = 0; cell < 2; ++cell) {
      Cell(cell)["checks"] = {{{"name", "equivalence"}, {"arguments", Json::object()}}};
      Cell(cell)["faults"] = {"end"};
      Cell(cell)["fault_plan"] = {{"name", "end"}, {"all", {{{"name", "end"}, {"process", kill}}}}};
      for (int trial = 0; trial < 4; ++trial) {
        TrialBuilder builder;
        builder.Observe("total", same ? 3 : cell)
            .Exit("signalled",
                  {{"code", nullptr}, {"signal", 9}, {"fault", {{"id", 1}, {"name", "end"}}}});
        Write(cell, trial, builder);
      }
    }
    return JudgeSaved().cells.at(1);
  }
};

TEST_F(EndedByThePlanTest, ComparesWhatCameBeforeAnEvent) {
  const CellResult cell = Threading({{"event", "op:step#3"}}, /*same=*/true);
  EXPECT_EQ(cell.state, CellState::kPass) << cell.reason;
}

TEST_F(EndedByThePlanTest, ComparesWhatCameBeforeAByte) {
  const CellResult cell = Threading({{"offset", 0}, {"connection", "1#0"}}, /*same=*/true);
  EXPECT_EQ(cell.state, CellState::kPass) << cell.reason;
}

TEST_F(EndedByThePlanTest, LeavesOpenWhetherOtherThingsBeforeAByteAreADifference) {
  const CellResult cell = Threading({{"offset", 4096}}, /*same=*/false);
  EXPECT_EQ(cell.state, CellState::kUnknown);
  EXPECT_TRUE(cell.findings.empty());
}

TEST_F(EndedByThePlanTest, LeavesOpenWhetherOtherThingsBeforeAnEventAreADifference) {
  const CellResult cell = Threading({{"event", "op:step#3"}}, /*same=*/false);
  EXPECT_EQ(cell.state, CellState::kUnknown);
  EXPECT_EQ(cell.reason,
            "equivalence: 'total' is not the same here and there, but the plan itself ended trials, "
            "and what other tasks had done by then is a matter of the moment");
  EXPECT_TRUE(cell.findings.empty());
}

TEST_F(EndedByThePlanTest, ComparesNothingOfWhatEndedAtATime) {
  for (const Json& when : {Json{{"after", 300}}, Json{{"event", "op:step#3"}, {"after", 300}},
                           Json{{"offset", 4096}, {"after", 300}}}) {
    const CellResult cell = Threading(when, /*same=*/true);
    EXPECT_EQ(cell.state, CellState::kUnknown);
    EXPECT_EQ(cell.reason,
              "equivalence: 0 of 4 trials here and 0 of 4 trials of the reference eventlet/3.11 can "
              "be compared; it takes half of each; the plan itself ended trials: those can be "
              "compared that it ended at an `event` or an `offset`");
  }
}

}  // namespace
}  // namespace trireme
