// The cells of a run against the reference that they are compared with.

#include <map>
#include <string>

#include "tests/harness/check/json_schema.h"
#include "tests/harness/check/run_judge_fixture.h"

namespace trireme {
namespace {

TEST_F(RunJudgeTest, PassesCellsThatDoTheSame) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  const RunResults results = JudgeSaved();
  ASSERT_EQ(results.cells.size(), 2U);
  for (const CellResult& cell : results.cells) {
    EXPECT_EQ(cell.state, CellState::kPass) << cell.reason;
    EXPECT_EQ(cell.trials.pass, 4);
    EXPECT_EQ(cell.replay, "trireme run tests/example --runtimes " + cell.runtime);
  }
  EXPECT_EQ(results.exit_code(), 0);
  EXPECT_EQ(SchemaProblem(ResultsSchema(), results.ToJson()), "");
}

TEST_F(RunJudgeTest, FailsTheCellThatDiffersFromItsReference) {
  WriteAll(0, 40);
  WriteAll(1, 39);
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[0].state, CellState::kPass);
  EXPECT_EQ(results.cells[1].state, CellState::kFail);
  EXPECT_EQ(results.cells[1].reference, "eventlet/3.11");
  EXPECT_EQ(
      results.cells[1].reason,
      "expected was pass; 'total' was 39 in 4 of 4 trials, never on eventlet/3.11 (40 in all 4)");
  EXPECT_EQ(results.cells[1].replay, "trireme run tests/example --runtimes threading --trial 0");
  EXPECT_EQ(results.exit_code(), 1);
}

TEST_F(RunJudgeTest, MeetsTheExpectationOfADifference) {
  WriteAll(0, 40);
  WriteAll(1, 39);
  Cell(1)["expect"] = {{"verdicts", {"fail"}}, {"finding", "difference"}};
  EXPECT_EQ(JudgeSaved().exit_code(), 0);
}

// That both fail says nothing of whether they do the same.
TEST_F(RunJudgeTest, SaysWhyACellThatFailsAsItsReferenceDoesWasNotCompared) {
  for (int trial = 0; trial < 4; ++trial) {
    for (const int cell : {0, 1}) {
      TrialBuilder crash;
      if (cell == 1) crash.Watched({.damage = "byte 4096: no chunk begins here"});
      Write(cell, trial, crash.Observe("total", 40).End().Exit("signalled", {{"signal", 11}}));
    }
  }
  const RunResults results = JudgeSaved();
  ASSERT_EQ(results.cells[1].state, CellState::kFail);
  EXPECT_EQ(results.cells[1].notes,
            std::vector<std::string>{
                "not compared: equivalence: 0 of 4 trials (its history is damaged) here and 4 of 4 "
                "trials of the reference eventlet/3.11 can be compared; it takes half of each"});
  EXPECT_EQ(results.cells[0].notes, std::vector<std::string>());
}

TEST_F(RunJudgeTest, SaysNothingMoreOfACellThatFailsAsItsReferenceDoesAndWasCompared) {
  for (int trial = 0; trial < 4; ++trial)
    for (const int cell : {0, 1}) {
      TrialBuilder crash;
      Write(cell, trial, crash.Observe("total", 40).End().Exit("signalled", {{"signal", 11}}));
    }
  const RunResults results = JudgeSaved();
  ASSERT_EQ(results.cells[1].state, CellState::kFail);
  EXPECT_EQ(results.cells[1].notes, std::vector<std::string>());
}

TEST_F(RunJudgeTest, CannotCompareWithAReferenceThatWasNotDecided) {
  WriteAll(1, 40);
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[0].reason, "4 of 4 trials not run");
  EXPECT_EQ(results.cells[1].state, CellState::kUnknown);
  EXPECT_EQ(results.cells[1].reason, "equivalence: the reference eventlet/3.11 was not decided");
  EXPECT_EQ(results.exit_code(), 4);
}

TEST_F(RunJudgeTest, ComparesWithTheFirstInterpreterWhereTheReferenceIsDecided) {
  Json other = Cell(0);
  other["id"] = "example-eventlet-3.13";
  other["interpreter"] = "3.13";
  plan_["cells"].push_back(other);
  WriteAll(1, 40);
  WriteAll(2, 40);
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].state, CellState::kPass);
  EXPECT_EQ(results.cells[1].reference, "eventlet/3.13");
}

TEST_F(RunJudgeTest, SaysOnceWhatTheReferenceDoesNotDecide) {
  for (int trial = 0; trial < 4; ++trial) {
    Write(0, trial, TrialBuilder().Observe("clock", trial).Observe("total", 40));
    Write(1, trial, TrialBuilder().Observe("clock", 100 + trial).Observe("total", 40));
  }
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.exit_code(), 0);
  ASSERT_EQ(results.cells[0].findings.size(), 1U);
  EXPECT_EQ(results.cells[0].findings[0].finding.kind, "nondeterministic");
  EXPECT_TRUE(results.cells[0].findings[0].finding.advisory);
  EXPECT_TRUE(results.cells[1].findings.empty());
  EXPECT_EQ(results.notes.back(),
            "tests/example: 'clock' is nondeterministic in the reference (eventlet/3.11): it is "
            "compared only by an explicit rule");
  EXPECT_EQ(results.cells[1].keys_compared, 1);
}

TEST_F(RunJudgeTest, NamesAKeyOnceThatSeveralReferencesDoNotDecide) {
  Json other = Cell(0);
  other["id"] = other["reference"] = "example-eventlet-3.13";
  other["interpreter"] = "3.13";
  other["reference_name"] = "eventlet/3.13";
  plan_["cells"].push_back(other);
  for (int trial = 0; trial < 4; ++trial)
    for (int cell = 0; cell < 3; ++cell)
      Write(cell, trial,
            TrialBuilder().Observe("clock", trial).Observe("id", -trial).Observe("total", 40));
  JudgeSaved();
  const RunResults results = JudgeSaved();  // a judgement of one that was judged before
  const std::string where =
      "is nondeterministic in the reference (eventlet/3.11, eventlet/3.13): it is compared only by "
      "an explicit rule";
  const auto said = [&](const std::string& key) {
    return std::count(results.notes.begin(), results.notes.end(),
                      "tests/example: '" + key + "' " + where);
  };
  EXPECT_EQ(said("clock"), 1);
  EXPECT_EQ(said("id"), 1);
  EXPECT_EQ(said("total"), 0);
  EXPECT_TRUE(results.cells[1].findings.empty());
}

TEST_F(RunJudgeTest, IsUnknownWhereNothingWasCompared) {
  for (int trial = 0; trial < 4; ++trial) {
    Write(0, trial, TrialBuilder().Observe("clock", trial));
    Write(1, trial, TrialBuilder().Observe("clock", "wrong"));
  }
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].state, CellState::kUnknown);
  EXPECT_EQ(results.cells[1].reason,
            "equivalence: nothing was compared: 'clock' is nondeterministic in the reference and "
            "compared only by an explicit rule of `compare`");
  EXPECT_EQ(results.cells[1].keys_compared, 0);
  EXPECT_EQ(results.exit_code(), 4);
}

// Of a reference that hangs in all trials but one, that one says nothing.
TEST_F(RunJudgeTest, CannotCompareWithAReferenceOfWhichFewTrialsEnded) {
  for (int trial = 0; trial < 4; ++trial) {
    TrialBuilder builder;
    builder.Observe("total", 40, 10);
    if (trial > 0) builder.Exit("timeout");
    Write(0, trial, builder);
  }
  WriteAll(1, 39);
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].state, CellState::kUnknown);
  EXPECT_EQ(results.cells[1].reason,
            "equivalence: 4 of 4 trials here and 1 of 4 trials of the reference eventlet/3.11 can "
            "be compared; it takes half of each");
}

TEST_F(RunJudgeTest, ComparesWithAReferenceOfWhichHalfTheTrialsEnded) {
  for (int trial = 0; trial < 4; ++trial) {
    TrialBuilder builder;
    builder.Observe("total", 40, 10);
    if (trial > 1) builder.Exit("timeout");
    Write(0, trial, builder);
  }
  WriteAll(1, 39);
  EXPECT_EQ(JudgeSaved().cells[1].state, CellState::kFail);
}

TEST_F(RunJudgeTest, ComparesTheTestsThatRanOnTheirArm) {
  for (int cell = 0; cell < 2; ++cell) {
    Cell(cell)["command"] = {"python3", "suite.py"};
    Cell(cell)["interpreter_path"] = "/venv/bin/python";
    const Json record = {{"executable", "/venv/bin/python3"},
                         {"patched", cell == 0 ? Json({"os"}) : Json::array()},
                         {"hub_ran", true}};
    for (int trial = 0; trial < 4; ++trial) {
      TrialBuilder builder;
      builder.Observe("test:alike", "passed")
          .Observe("test:differs", cell == 0 ? "passed" : "failed");
      builder.Observe("test:green", cell == 0 ? "passed" : "failed").Observe("exit-status", cell);
      builder.Add(EventKind::kWarning, 950, "environment", record);
      if (cell == 1) builder.Add(EventKind::kWarning, 960, "mixed-arm", "green");
      Write(cell, trial, builder);
      Write(cell, trial, builder, true);
    }
  }
  Cell(0)["model"] = "green";
  const CellResult native = JudgeSaved().cells[1];
  std::map<std::string, std::string> verdicts;
  for (const Json& row : native.comparison)
    verdicts[GetString(row, "key")] = GetString(row, "verdict");
  EXPECT_EQ(verdicts, (std::map<std::string, std::string>{{"test:alike", "same"},
                                                          {"test:differs", "difference"},
                                                          {"test:green", "unknown"},
                                                          {"exit-status", "unknown"}}));
  EXPECT_EQ(native.state, CellState::kFail);
  EXPECT_EQ(native.trials.unknown, 4);
}

}  // namespace
}  // namespace trireme
