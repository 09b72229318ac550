// Run directories that are damaged are unknown or refused, never a crash.

#include <algorithm>
#include <string>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "tests/harness/check/json_schema.h"
#include "tests/harness/check/run_judge_fixture.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

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
  for (int i = 0; i < Rounds(150); ++i) {
    std::string mutated = text;
    mutated[rng.Below(mutated.size())] = "0123456789-{}[]\":,ntf e"[rng.Below(23)];
    ASSERT_TRUE(WriteFile(directory_.path() + "/plan.json", mutated).ok());
    const Result<RunResults> results = JudgeSavedRun(directory_.path());
    if (!results.ok()) continue;
    EXPECT_TRUE(RunResults::FromJson(results->ToJson()).ok()) << mutated;
  }
}

}  // namespace
}  // namespace trireme
