// A run judged once more, from its directory: what its files still show, and what they do not.

#include <string>
#include <vector>

#include "harness/base/file.h"
#include "tests/harness/check/run_judge_fixture.h"

namespace trireme {
namespace {

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

// What the run itself counted when it was interrupted: those it had judged.
TEST_F(RunJudgeTest, CountsNoTrialThatWasInFlight) {
  WriteAll(0, 40);
  Write(1, 0, TrialBuilder().Observe("total", 40));
  Write(1, 1, TrialBuilder().Observe("total", 40, 10).Exit("interrupted"));
  EXPECT_TRUE(WriteFile(directory_.path() + "/plan.json", DumpJson(plan_)).ok());
  std::vector<std::string> ids;
  const Result<RunResults> results = JudgeSavedRun(
      directory_.path(), [&](size_t, const TrialJudgement& judgement) {
        ids.push_back(GetString(judgement.line, "id"));
      });
  ASSERT_TRUE(results.ok());
  EXPECT_EQ(results->cells[1].trials.executed, 1);
  EXPECT_EQ(results->cells[1].trials.unknown, 0);
  EXPECT_EQ(results->cells[1].reason, "3 of 4 trials not run");
  EXPECT_EQ(ids.size(), 5U);
  EXPECT_EQ(ids.back(), "example-threading/0");
}

// It was ended by something else than whoever interrupted the run, which had judged it.
TEST_F(RunJudgeTest, CountsATrialThatWasCutShortForAReason) {
  WriteAll(0, 40);
  WriteAll(1, 40);
  const Json reason = {{"protocol_error", "the guardian is gone"}};
  Write(1, 1, TrialBuilder().Observe("total", 40, 10).Exit("interrupted", reason));
  const RunResults results = JudgeSaved();
  EXPECT_EQ(results.cells[1].trials.executed, 4);
  EXPECT_EQ(results.cells[1].trials.unknown, 1);
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

TEST_F(RunJudgeTest, NeedsAPlan) {
  const Result<RunResults> results = JudgeSavedRun(directory_.path());
  ASSERT_FALSE(results.ok());
  EXPECT_NE(results.error().message.find("plan.json"), std::string::npos);
}

}  // namespace
}  // namespace trireme
