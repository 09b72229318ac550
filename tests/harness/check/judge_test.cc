#include "harness/check/judge.h"

#include <algorithm>
#include <stdexcept>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "tests/harness/check/json_schema.h"
#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

Json PlannedCell(const std::string& runtime, int trials, const Json& checks) {
  Json numbers = Json::array();
  for (int trial = 0; trial < trials; ++trial) numbers.push_back(trial);
  return {{"id", "example-" + runtime},
          {"scenario", "tests/example"},
          {"summary", "an example"},
          {"runtime", runtime},
          {"model", "native"},
          {"language", "python"},
          {"interpreter", "3.11"},
          {"params", Json::object()},
          {"faults", Json::array()},
          {"arm", nullptr},
          {"role", "subject"},
          {"reference", "example-eventlet"},
          {"reference_name", "eventlet/3.11"},
          {"trials", numbers},
          {"checks", checks},
          {"compare", Json::object()},
          {"expect", {{"verdicts", {"pass"}}}},
          {"max_unknown", 0.05},
          {"replay", "trireme run tests/example --runtimes " + runtime}};
}

Json Checks(const std::vector<std::string>& names) {
  Json checks = Json::array();
  for (const std::string& name : names)
    checks.push_back({{"name", name}, {"arguments", Json::object()}});
  return checks;
}

// A run directory with two cells: eventlet (0), the reference, and threading (1).
class RunJudgeTest : public testing::Test {
 protected:
  RunJudgeTest() {
    constexpr int kTrials = 4;
    plan_ = {{"schema", "trireme.plan/1"},
             {"seed", "0x5eed"},
             {"cells",
              {PlannedCell("eventlet", kTrials, Checks({"equivalence", "leak"})),
               PlannedCell("threading", kTrials, Checks({"equivalence", "leak"}))}}};
  }

  Json& Cell(int cell) { return plan_["cells"][static_cast<size_t>(cell)]; }

  std::string Directory(int cell, int trial, bool retry = false) {
    const std::string folder = directory_.path() + "/trials/" + GetString(Cell(cell), "id") + "/" +
                               std::to_string(trial) + (retry ? ".retry" : "");
    EXPECT_TRUE(MakeDirectories(folder).ok());
    return folder;
  }

  void Write(int cell, int trial, TrialBuilder& builder, bool retry = false) {
    EXPECT_TRUE(
        WriteFile(Directory(cell, trial, retry) + "/history.trh", builder.Finish().Bytes()).ok());
  }

  // Every trial of a cell observes `total` as `value`.
  void WriteAll(int cell, const Json& value) {
    for (size_t trial = 0; trial < Cell(cell).at("trials").size(); ++trial) {
      Write(cell, static_cast<int>(trial), TrialBuilder().Observe("total", value));
    }
  }

  TrialJudgement Judge(RunJudge& judge, int cell, int trial, bool retry = false) {
    return judge.JudgeTrial(static_cast<size_t>(cell), {.trial = trial,
                                                        .retry = retry,
                                                        .attempt = "uuid",
                                                        .directory = Directory(cell, trial, retry),
                                                        .seconds = 1});
  }

  RunResults JudgeSaved() {
    EXPECT_TRUE(WriteFile(directory_.path() + "/plan.json", DumpJson(plan_)).ok());
    Result<RunResults> results = JudgeSavedRun(directory_.path());
    EXPECT_TRUE(results.ok());
    return results.ok() ? *std::move(results) : RunResults();
  }

  TemporaryDirectory directory_;
  Json plan_;
};

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

TEST_F(RunJudgeTest, CountsTheTimeOfEveryAttempt) {
  Write(0, 0, TrialBuilder().Finish());
  Write(0, 0, TrialBuilder().Observe("total", 40), true);
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[0].trials.executed, 1);
  EXPECT_EQ(results.cells[0].seconds, 1.0);
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

TEST(JudgeTrialTest, RejectsACrashAlsoOfATrialThatSaysUnsupported) {
  EXPECT_EQ(JudgeTrial(SaysUnsupported().Exit("exited").View()).unsupported, "no datagrams");
  const TrialJudgement crashed =
      JudgeTrial(SaysUnsupported().Exit("signalled", {{"signal", 11}}).View());
  EXPECT_EQ(crashed.verdict, Verdict::kFail);
  EXPECT_EQ(crashed.unsupported, "");
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

TEST_F(RunJudgeTest, GivesTheSameResultsWhenItJudgesAgain) {
  WriteAll(0, 40);
  WriteAll(1, 39);
  const RunResults first = JudgeSaved();
  EXPECT_TRUE(WriteFile(directory_.path() + "/results.json", DumpJson(first.ToJson())).ok());
  EXPECT_EQ(DumpJson(JudgeSaved().ToJson().at("cells")), DumpJson(first.ToJson().at("cells")));
}

TEST_F(RunJudgeTest, RemembersRefusalsOfASavedRun) {
  WriteAll(0, 40);
  RunJudge judge(plan_);
  judge.Refuse(1, CellState::kUnsupported, "no compiler");
  EXPECT_TRUE(WriteFile(directory_.path() + "/results.json",
                        DumpJson(judge.Finish(Json::object()).ToJson()))
                  .ok());
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].state, CellState::kUnsupported);
  EXPECT_EQ(results.cells[1].reason, "no compiler");
}

TEST_F(RunJudgeTest, IsUnknownWhereEvidenceWasDeleted) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  RunResults first = JudgeSaved();
  EXPECT_EQ(first.exit_code(), 0);
  EXPECT_TRUE(RemoveTree(directory_.path() + "/trials").ok());
  for (const char* keep : {"all", "failed", "none"}) {
    first.run = {{"keep", keep}};
    EXPECT_TRUE(WriteFile(directory_.path() + "/results.json", DumpJson(first.ToJson())).ok());
    const RunResults again = JudgeSaved();
    EXPECT_EQ(again.exit_code(), std::string(keep) == "all" ? 4 : 0) << keep;
    EXPECT_EQ(again.cells[1].reason,
              std::string(keep) == "all"
                  ? "4 trials that the run judged have no folder any more, though it kept all"
                  : "");
  }
}

TEST_F(RunJudgeTest, IsUnknownWhereAFailedTrialThatWasKeptIsGone) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  Write(0, 1, TrialBuilder().Observe("total", 40, 10).Exit("timeout"));
  RunResults first = JudgeSaved();
  first.run = {{"keep", "failed"}};
  EXPECT_TRUE(WriteFile(directory_.path() + "/results.json", DumpJson(first.ToJson())).ok());
  for (const int trial : {0, 2, 3}) EXPECT_TRUE(RemoveTree(Directory(0, trial)).ok());
  EXPECT_EQ(JudgeSaved().cells[0].state, CellState::kFail);
  EXPECT_TRUE(RemoveTree(Directory(0, 1)).ok());
  EXPECT_EQ(JudgeSaved().cells[0].state, CellState::kUnknown);
}

TEST_F(RunJudgeTest, LetsStandWhatItsTrialsCannotShowAnyMore) {
  WriteAll(0, 40);
  WriteAll(1, 39);
  RunResults first = JudgeSaved();
  first.run = {{"keep", "failed"}};
  EXPECT_TRUE(WriteFile(directory_.path() + "/results.json", DumpJson(first.ToJson())).ok());
  EXPECT_TRUE(WriteFile(directory_.path() + "/trials.jsonl",
                        R"({"cell":"example-threading","trial":0,"verdict":"pass"})"
                        "\nno json\n")
                  .ok());
  EXPECT_TRUE(RemoveTree(Directory(0, 2))
                  .ok());  // of the reference, which the other cell's verdict rests on
  std::vector<Json> lines;
  const Result<RunResults> again = JudgeSavedRun(
      directory_.path(),
      [&](size_t, const TrialJudgement& judgement) { lines.push_back(judgement.line); });
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->cells[1].state, CellState::kFail);
  EXPECT_EQ(again->cells[1].reason, first.cells[1].reason);
  EXPECT_EQ(again->cells[0].trials.executed, 4);
  EXPECT_EQ(again->cells[0].notes.back(),
            "not judged again: the run did not keep the folders of all trials");
  EXPECT_EQ(lines.size(), 1U);
  EXPECT_EQ(again->notes.back(),
            "2 cells not judged again: the run kept not all folders of trials (--keep failed)");
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

// What is missing or damaged is unknown, never a crash.
TEST_F(RunJudgeTest, CallsATrialUnknownWhoseFolderIsEmptyOrDamaged) {
  RunJudge judge(plan_);
  EXPECT_EQ(Judge(judge, 0, 0).verdict, Verdict::kUnknown);
  EXPECT_TRUE(WriteFile(Directory(0, 1) + "/history.trh", "no history").ok());
  EXPECT_EQ(Judge(judge, 0, 1).verdict, Verdict::kUnknown);
}

TEST_F(RunJudgeTest, NeverCrashesOnMutatedHistories) {
  TrialBuilder whole;
  whole.Task(2, "1.1", "a", 1)
      .Op(2, "sell", 10, 20)
      .Op(1, "sell", 15, 30)
      .Observe("total", {{"a", 1}});
  whole.Add(EventKind::kException, 5, "hub", ErrorJson("E", "reset", 104, "m", {"w.py:1 in f"}));
  whole.Add(EventKind::kCensus, 950, "tasks", Json::array({{{"name", "x"}}}));
  const std::string bytes = whole.Finish().Bytes();
  Cell(0)["checks"] =
      Json::array({{{"name", "equivalence"}},
                   {{"name", "leak"}, {"arguments", {{"allow", 7}}}},
                   {{"name", "unhandled-exception"}},
                   {{"name", "overlap"}, {"arguments", {{"ops", {"sell"}}}}},
                   {{"name", "lost-update"}, {"arguments", nullptr}},
                   {{"name", "deadline"}, {"arguments", {{"op", "sell"}, {"within", "x"}}}},
                   {{"name", "no-such-check"}},
                   7});
  Rng rng(1);
  RunJudge judge(plan_);
  for (int i = 0; i < 300; ++i) {
    std::string mutated =
        bytes.substr(0, rng.Below(4) == 0 ? rng.Below(bytes.size()) : bytes.size());
    for (uint64_t change = 0; change <= rng.Below(4) && mutated.size() > 4096; ++change) {
      mutated[4096 + rng.Below(mutated.size() - 4096)] = static_cast<char>(rng.Below(256));
    }
    ASSERT_TRUE(WriteFile(Directory(0, 0) + "/history.trh", mutated).ok());
    judge.JudgeTrial(
        0, {.trial = i, .retry = false, .attempt = "", .directory = Directory(0, 0), .seconds = 0});
  }
  EXPECT_EQ(SchemaProblem(ResultsSchema(), judge.Finish(Json::object()).ToJson()), "");
}

TEST_F(RunJudgeTest, NeverCrashesOnMutatedPlans) {
  WriteAll(0, 40);
  const std::string text = DumpJson(plan_);
  Rng rng(2);
  for (int i = 0; i < 150; ++i) {
    std::string mutated = text;
    mutated[rng.Below(mutated.size())] = "0123456789-{}[]\":,ntf e"[rng.Below(23)];
    ASSERT_TRUE(WriteFile(directory_.path() + "/plan.json", mutated).ok());
    const Result<RunResults> results = JudgeSavedRun(directory_.path());
    if (!results.ok()) continue;
    EXPECT_TRUE(RunResults::FromJson(results->ToJson()).ok()) << mutated;
  }
}

TEST_F(RunJudgeTest, NeedsAPlan) {
  const Result<RunResults> results = JudgeSavedRun(directory_.path());
  ASSERT_FALSE(results.ok());
  EXPECT_NE(results.error().message.find("plan.json"), std::string::npos);
}

// The record itself.

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
