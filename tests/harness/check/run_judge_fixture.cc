#include "tests/harness/check/run_judge_fixture.h"

#include <utility>
#include <vector>

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

}  // namespace

RunJudgeTest::RunJudgeTest() {
  constexpr int kTrials = 4;
  plan_ = {{"schema", "trireme.plan/1"},
           {"seed", "0x5eed"},
           {"cells",
            {PlannedCell("eventlet", kTrials, Checks({"equivalence", "leak"})),
             PlannedCell("threading", kTrials, Checks({"equivalence", "leak"}))}}};
}

std::string RunJudgeTest::Directory(int cell, int trial, bool retry) {
  const std::string folder = directory_.path() + "/trials/" + GetString(Cell(cell), "id") + "/" +
                             std::to_string(trial) + (retry ? ".retry" : "");
  EXPECT_TRUE(MakeDirectories(folder).ok());
  return folder;
}

void RunJudgeTest::Write(int cell, int trial, TrialBuilder& builder, bool retry) {
  EXPECT_TRUE(
      WriteFile(Directory(cell, trial, retry) + "/history.trh", builder.Finish().Bytes()).ok());
}

void RunJudgeTest::WriteAll(int cell, const Json& value) {
  for (size_t trial = 0; trial < Cell(cell).at("trials").size(); ++trial) {
    Write(cell, static_cast<int>(trial), TrialBuilder().Observe("total", value));
  }
}

TrialJudgement RunJudgeTest::Judge(RunJudge& judge, int cell, int trial, bool retry) {
  return judge.JudgeTrial(static_cast<size_t>(cell), {.trial = trial,
                                                      .retry = retry,
                                                      .attempt = "uuid",
                                                      .directory = Directory(cell, trial, retry),
                                                      .seconds = 1});
}

RunResults RunJudgeTest::JudgeSaved() {
  EXPECT_TRUE(WriteFile(directory_.path() + "/plan.json", DumpJson(plan_)).ok());
  Result<RunResults> results = JudgeSavedRun(directory_.path());
  EXPECT_TRUE(results.ok());
  return results.ok() ? *std::move(results) : RunResults();
}

}  // namespace trireme
