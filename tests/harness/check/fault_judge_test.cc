#include <gtest/gtest.h>

#include "harness/base/file.h"
#include "harness/check/judge.h"
#include "tests/harness/check/fault_trial.h"
#include "tests/harness/check/json_schema.h"

namespace trireme {
namespace {

// A saved run under a fault plan with two cells: eventlet (0), the reference, and threading (1).
class FaultJudgeTest : public testing::Test {
 protected:
  FaultJudgeTest() {
    plan_ = {{"schema", "trireme.plan/1"},
             {"seed", "0x5eed"},
             {"cells", {PlannedCell("eventlet"), PlannedCell("threading")}}};
  }

  static Json PlannedCell(const std::string& runtime) {
    Json cell = FaultTrial::PlannedCellWith(Json::array({FaultTrial::Exact("cut", 10)}));
    cell.update({{"id", "example-" + runtime},
                 {"runtime", runtime},
                 {"model", "native"},
                 {"language", "python"},
                 {"interpreter", "3.11"},
                 {"params", Json::object()},
                 {"arm", nullptr},
                 {"role", "subject"},
                 {"reference", "example-eventlet"},
                 {"reference_name", "eventlet/3.11"},
                 {"trials", {0, 1}},
                 {"checks", {{{"name", "equivalence"}, {"by_default", true}}}},
                 {"compare", Json::object()},
                 {"expect", {{"verdicts", {"pass"}}}},
                 {"replay", "trireme run tests/example --runtimes " + runtime}});
    return cell;
  }

  void Write(size_t cell, int trial, FaultTrial builder) {
    const std::string folder = directory_.path() + "/trials/" +
                               GetString(plan_["cells"][cell], "id") + "/" + std::to_string(trial);
    ASSERT_TRUE(MakeDirectories(folder).ok());
    builder.Finish();
    ASSERT_TRUE(WriteFile(folder + "/history.trh", builder.Bytes()).ok());
  }
  void WriteBoth(size_t cell, const FaultTrial& trial) {
    Write(cell, 0, trial);
    Write(cell, 1, trial);
  }

  void CompareWireWithoutFaults() {
    for (Json& cell : plan_["cells"]) {
      cell["faults"] = Json::array();
      cell.erase("fault_plan");
      cell["compare"] = {{"wire", "lines"}};
    }
  }

  RunResults Judge() {
    EXPECT_TRUE(WriteFile(directory_.path() + "/plan.json", DumpJson(plan_)).ok());
    Result<RunResults> results = JudgeSavedRun(directory_.path());
    EXPECT_TRUE(results.ok());
    if (!results.ok()) return {};
    EXPECT_EQ(SchemaProblem(ResultsSchema(), results->ToJson()), "");
    const Result<RunResults> again = RunResults::FromJson(results->ToJson());
    EXPECT_EQ(DumpJson(again->ToJson()), DumpJson(results->ToJson()));
    return *std::move(results);
  }

  static FaultTrial Trial(int64_t offset) {
    FaultTrial trial;
    trial.Op(1, "get", 90, 200, 1).Observe("total", 40);
    return trial.Open(1).Fault("cut", 1, offset).Closed(1, 100, 0);
  }

  TemporaryDirectory directory_;
  Json plan_;
};

TEST_F(FaultJudgeTest, ComparesTheFaultLogs) {
  WriteBoth(0, Trial(10));
  WriteBoth(1, Trial(10));
  const RunResults results = Judge();
  const CellResult& cell = results.cells.at(1);
  EXPECT_EQ(cell.state, CellState::kPass) << cell.reason;
  EXPECT_EQ(DumpJson(cell.faults_applied), R"({"cut":2})");
  EXPECT_EQ(GetString(cell.fault_log, "state"), "equal");
  EXPECT_EQ(
      DumpJson(cell.fault_log["trials"]),
      R"({"compared":2,"equal":2,"not_reached":0,"diverged":0,"different":0,"undecided":0,"nothing":0})");
  EXPECT_EQ(GetString(cell.fault_log, "sha256"),
            GetString(results.cells.at(0).fault_log, "sha256"));
  EXPECT_EQ(GetString(cell.under_faults, "class"), "survived");
}

// Whether a key varies by itself is for the reference to say without faults, where these are drawn by the trial's seed.
TEST_F(FaultJudgeTest, ComparesWhatTheReferenceDecidesWithoutFaults) {
  Json& cells = plan_["cells"];
  for (Json& cell : cells) cell["fault_plan"]["all"][0]["at"]["probability"] = 0.5;
  Json unfaulted = PlannedCell("eventlet");
  unfaulted.update({{"id", "unfaulted"}, {"fault_plan", nullptr}, {"reference", "unfaulted"}});
  cells.push_back(unfaulted);
  const auto write = [&](size_t cell, const std::vector<int>& tokens) {
    for (int number = 0; number < 2; ++number) {
      FaultTrial trial = Trial(10);
      trial.Observe("token", tokens.at(static_cast<size_t>(number)));
      Write(cell, number, trial);
    }
  };
  write(0, {1, 2});
  write(1, {3, 4});
  write(2, {5, 6});
  EXPECT_EQ(Judge().cells.at(1).state, CellState::kPass);
  write(2, {5, 5});
  EXPECT_EQ(Judge().cells.at(1).state, CellState::kFail);
  cells[2]["params"] = {{"other", 1}};
  EXPECT_EQ(Judge().cells.at(1).state, CellState::kUnknown) << "that is of something else";
}

// Who asked by name for what has to hold under faults is told that there were none; what became of the plan is certain.
TEST_F(FaultJudgeTest, SaysThatAPlanWasNotReachedWhereItsChecksHadNothingToJudge) {
  for (Json& cell : plan_["cells"])
    cell["checks"] = {{{"name", "invariant"}, {"arguments", Json::object()}}};
  FaultTrial idle;
  idle.Open(1).Op(1, "get", 90, 200, 1);
  WriteBoth(0, idle);
  Write(1, 0, idle);
  Write(1, 1, FaultTrial().Open(1));
  const RunResults results = Judge();
  EXPECT_EQ(results.cells.at(0).state, CellState::kUnknown);
  EXPECT_EQ(GetString(results.cells.at(0).under_faults, "class"), "not reached");
  EXPECT_EQ(DumpJson(results.cells.at(0).under_faults["trials"]), R"({"not reached":2})");
  // The other has a trial that recorded nothing: it may have been there, and lost.
  EXPECT_EQ(GetString(results.cells.at(1).under_faults, "class"), "unknown");
}

// A trial that is missing may have come to it.
TEST_F(FaultJudgeTest, DoesNotKnowWhetherAPlanWasReachedInATrialThatIsMissing) {
  for (Json& cell : plan_["cells"])
    cell["checks"] = {{{"name", "invariant"}, {"arguments", Json::object()}}};
  FaultTrial idle;
  idle.Open(1).Op(1, "get", 90, 200, 1);
  Write(0, 0, idle);
  WriteBoth(1, idle);
  EXPECT_EQ(GetString(Judge().cells.at(0).under_faults, "class"), "unknown");
}

TEST_F(FaultJudgeTest, FailsTheCellThatHadOtherFaultsForTheSameBytes) {
  WriteBoth(0, Trial(10));
  Write(1, 0, Trial(10));
  Write(1, 1, Trial(11));
  const CellResult cell = Judge().cells.at(1);
  EXPECT_EQ(cell.state, CellState::kFail);
  ASSERT_EQ(cell.findings.size(), 1U);
  EXPECT_EQ(cell.findings[0].finding.kind, "difference");
  EXPECT_EQ(
      cell.findings[0].finding.message,
      "the same bytes had other faults than on eventlet/3.11: 'cut' at byte 11 of client read "
      "of 1#0 is not there");
  EXPECT_EQ(cell.findings[0].first_trial, 1);
  EXPECT_EQ(GetString(cell.fault_log, "state"), "different");
}

TEST_F(FaultJudgeTest, SaysWhichExactOffsetWasNotReached) {
  FaultTrial none;
  none.Op(1, "get", 90, 200, 1).Observe("total", 40);
  none.Open(1).Closed(1, 5, 0);
  WriteBoth(0, none);
  WriteBoth(1, none);
  const CellResult cell = Judge().cells.at(1);
  EXPECT_EQ(DumpJson(cell.fault_log["not_reached_faults"]), R"({"cut":2})");
  EXPECT_EQ(GetString(cell.under_faults, "summary"), "not reached");
}

// Of a sweep all logs are compared, by their points, however many there are.
TEST_F(FaultJudgeTest, ComparesALateTrialOfASweepWithItsCounterpart) {
  constexpr int kTrials = 26;
  const Json cut = {{"name", "cut"},
                    {"do", {{"short", 1}}},
                    {"at", {{"call", {"recv"}}, {"sweep", "every-point"}}}};
  for (Json& cell : plan_["cells"]) {
    cell["fault_plan"]["all"] = Json::array({cut});
    for (int trial = 2; trial < kTrials; ++trial) cell["trials"].push_back(trial);
    cell["sweep"] = Json::array();
    for (int offset = 1; offset < kTrials; ++offset)
      cell["sweep"].push_back({{"fault", "cut"}, {"connection", "1#0"}, {"offset", offset}});
  }
  const auto write_all = [&](size_t cell, int last_offset) {
    for (int trial = 0; trial < kTrials; ++trial)
      Write(cell, trial, Trial(trial == kTrials - 1 ? last_offset : trial));
  };
  write_all(0, 25);
  write_all(1, 25);
  EXPECT_EQ(GetString(Judge().cells.at(1).fault_log, "state"), "equal");
  write_all(1, 26);
  const CellResult cell = Judge().cells.at(1);
  EXPECT_EQ(GetString(cell.fault_log, "state"), "different");
  EXPECT_EQ(GetInt(cell.fault_log["trials"], "undecided"), 0);
  ASSERT_EQ(cell.findings.size(), 1U);
  EXPECT_EQ(cell.findings[0].first_trial, 25);
}

// Two logs without a fault are equal, and say nothing.
TEST_F(FaultJudgeTest, DoesNotCountTrialsWithoutAFaultAsEqual) {
  FaultTrial none;
  none.Op(1, "get", 90, 200, 1).Observe("total", 40);
  none.Open(1).Closed(1, 5, 0);
  Write(0, 0, none);
  Write(0, 1, Trial(10));
  Write(1, 0, none);
  Write(1, 1, Trial(10));
  CellResult cell = Judge().cells.at(1);
  EXPECT_EQ(GetString(cell.fault_log, "state"), "equal");
  EXPECT_EQ(GetInt(cell.fault_log["trials"], "compared"), 1);
  EXPECT_EQ(GetInt(cell.fault_log["trials"], "equal"), 1);
  EXPECT_EQ(GetInt(cell.fault_log["trials"], "nothing"), 1);
  Write(0, 1, none);
  Write(1, 1, none);
  cell = Judge().cells.at(1);
  EXPECT_TRUE(cell.fault_log["state"].is_null());
  EXPECT_EQ(GetInt(cell.fault_log["trials"], "compared"), 0);
  EXPECT_EQ(GetInt(cell.fault_log["trials"], "nothing"), 2);
}

TEST_F(FaultJudgeTest, SaysNotReachedWhereOnlyTheReferenceSuffered) {
  FaultTrial suffered, spared;
  suffered.Op(1, "get", 90, 200, 1).Observe("total", 39);
  suffered.Open(1).Fault("cut", 1, 10, 100, 1, {{"reset", true}}).Closed(1, 100, 0);
  spared.Op(1, "get", 90, 200, 1).Observe("total", 40);
  spared.Open(1).Closed(1, 5, 0);
  WriteBoth(0, suffered);
  WriteBoth(1, spared);
  const CellResult cell = Judge().cells.at(1);
  EXPECT_EQ(cell.state, CellState::kFail);
  EXPECT_EQ(GetString(cell.under_faults, "class"), "not reached");
  EXPECT_EQ(GetString(cell.under_faults, "reason"), "no fault of the plan was applied");
}

// A trial that is unknown in the end was made all the same; one that is repeated counts once.
TEST_F(FaultJudgeTest, CountsWhatUnknownTrialsSufferedAndDidNotReach) {
  for (Json& cell : plan_["cells"])
    cell["checks"] = {{{"name", "invariant"}, {"arguments", Json::object()}}};
  FaultTrial idle;
  idle.Open(1).Op(1, "get", 90, 200, 1);
  WriteBoth(0, idle);
  WriteBoth(1, idle);
  const CellResult cell = Judge().cells.at(1);
  EXPECT_EQ(cell.state, CellState::kUnknown);
  EXPECT_EQ(DumpJson(cell.fault_log["not_reached_faults"]), R"({"cut":2})");
}

TEST_F(FaultJudgeTest, SaysThatWhatIsForDatagramsMetStreamsOnly) {
  const auto reason = [&](const Json& what, const std::string& glob,
                          const std::string& kind = "tcp") {
    for (Json& cell : plan_["cells"])
      cell["fault_plan"]["all"] = {
          {{"name", "lose"}, {"at", {{"call", {"send"}}, {"connection", glob}}}, {"do", what}}};
    FaultTrial one;
    one.Op(1, "get", 90, 200, 1).Observe("total", 40);
    one.Open(1, "client", 1, kind).Closed(1, 5, 0);
    one.Open(2, "client", 1, "file").Closed(2, 5, 0);
    WriteBoth(0, one);
    WriteBoth(1, one);
    return GetString(Judge().cells.at(1).under_faults, "reason");
  };
  const std::string none = "no fault of the plan was applied";
  const std::string streams =
      ": it is for datagrams, and the connections that it names were all streams";
  EXPECT_EQ(reason({{"drop", true}}, ""), none + streams);
  EXPECT_EQ(reason({{"reorder", true}}, "1#*"), none + streams);
  EXPECT_EQ(reason({{"drop", true}}, "2#*"), none);
  EXPECT_EQ(reason({{"drop", true}}, "", "pair"), none + streams);
  EXPECT_EQ(reason({{"drop", true}}, "", "seqpacket"), none + streams);
  EXPECT_EQ(reason({{"drop", true}}, "", "datagram"), none);
  EXPECT_EQ(reason({{"short", 1}}, ""), none);
}

TEST_F(FaultJudgeTest, CallsAnotherErrorThanTheReferencesWrong) {
  const auto trial = [](const Json& error) {
    FaultTrial one;
    one.Operation(EventKind::kFail, 1, "get", 90, 130, 1, error).Op(1, "get", 140, 200, 1);
    return one.Open(1).Fault("cut", 1, 10, 100, 1, {{"reset", true}}).Closed(1, 100, 0);
  };
  WriteBoth(0, trial(ErrorJson("ConnectionResetError", "reset", 104)));
  WriteBoth(1, trial(ErrorJson("EOFError", "end-of-stream")));
  const RunResults results = Judge();
  EXPECT_EQ(GetString(results.cells.at(0).under_faults, "summary"), "recovered in 0.1us");
  const Json& effect = results.cells.at(1).under_faults;
  EXPECT_EQ(GetString(effect, "class"), "wrong error");
  EXPECT_EQ(GetString(effect, "reason"),
            "'(exceptions of get)' was \"end-of-stream\" in 2 of 2 trials, never on eventlet/3.11 "
            "(\"reset (errno 104)\" in all 2)");
  EXPECT_EQ(GetDouble(effect["notice_ms"], "p50"), 0);
  EXPECT_TRUE(effect["cpu_ms"].is_null());
}

TEST_F(FaultJudgeTest, ChecksInvariantsByDefaultUnderAPlanOnly) {
  FaultTrial strays = Trial(10);
  strays.Open(1, "server").Wire(1, "server write", "ab").Wire(1, "client read", "ax", 20);
  WriteBoth(0, strays);
  WriteBoth(1, strays);
  EXPECT_EQ(Judge().cells.at(1).findings.at(0).finding.kind, "invariant");
  for (Json& cell : plan_["cells"]) cell["faults"] = Json::array(), cell.erase("fault_plan");
  const CellResult without = Judge().cells.at(1);
  EXPECT_TRUE(without.findings.empty());
  EXPECT_TRUE(without.under_faults.is_null());
}

TEST_F(FaultJudgeTest, ComparesTheWireWithoutAnyObservation) {
  CompareWireWithoutFaults();
  const auto trial = [](std::string_view text) {
    return FaultTrial().Open(1).Wire(1, "client write", text);
  };
  WriteBoth(0, trial("hello\n"));
  WriteBoth(1, trial("hello\n"));
  RunResults results = Judge();
  EXPECT_EQ(results.cells.at(1).state, CellState::kPass) << results.cells.at(1).reason;
  EXPECT_EQ(GetInt(results.cells.at(1).wire, "streams"), 1);
  WriteBoth(1, trial("hallo\n"));
  results = Judge();
  EXPECT_EQ(results.cells.at(1).state, CellState::kFail);
  EXPECT_EQ(results.cells.at(1).findings.at(0).finding.kind, "difference");
}

TEST_F(FaultJudgeTest, SaysWhatTheWireLacksWhereNothingElseIsCompared) {
  CompareWireWithoutFaults();
  for (size_t cell : {0, 1}) {
    plan_["cells"][cell]["trials"] = {0};
    Write(cell, 0, FaultTrial().Open(1).Wire(1, "client write", "hello\n"));
  }
  const CellResult cell = Judge().cells.at(1);
  EXPECT_EQ(cell.state, CellState::kUnknown);
  EXPECT_EQ(cell.reason,
            "equivalence: wire: it takes two trials of the reference to know what differs from "
            "trial to trial by itself");
}

}  // namespace
}  // namespace trireme
