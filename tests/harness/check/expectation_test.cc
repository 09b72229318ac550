#include "harness/check/expectation.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

CellResult Cell(CellState state, int64_t failing, int64_t trials,
                const std::vector<std::string>& kinds = {}) {
  CellResult cell;
  cell.state = state;
  cell.trials = {.planned = trials,
                 .executed = trials,
                 .pass = trials - failing,
                 .fail = failing,
                 .unknown = 0};
  for (const std::string& kind : kinds) {
    CellFinding found;
    found.finding.kind = kind;
    cell.findings.push_back(found);
  }
  return cell;
}
CellResult Passed() { return Cell(CellState::kPass, 0, 20); }
CellResult FailedWith(const std::vector<std::string>& kinds) {
  return Cell(CellState::kFail, 20, 20, kinds);
}

ExpectationJudgement Judge(const Json& expect, const CellResult& cell) {
  return JudgeExpectation(CellExpectation::FromJson(expect), cell, cell.trials.fail);
}
bool Expected(const Json& expect, const CellResult& cell) { return Judge(expect, cell).expected; }

const Json kFail = {{"verdicts", {"fail"}}};

TEST(ExpectationTest, IsPassWhereNothingIsSaid) {
  EXPECT_TRUE(Expected(Json::object(), Passed()));
  EXPECT_FALSE(Expected(Json::object(), FailedWith({"hang"})));
  EXPECT_EQ(CellExpectation::FromJson(Json::object()).InWords(), "pass");
}

TEST(ExpectationTest, TakesAnyOfSeveralVerdicts) {
  const Json either = {{"verdicts", {"pass", "fail"}}};
  EXPECT_TRUE(Expected(either, Passed()));
  EXPECT_TRUE(Expected(either, FailedWith({"hang"})));
  EXPECT_EQ(CellExpectation::FromJson(either).InWords(), "pass or fail");
}

TEST(ExpectationTest, CallsAnUnexpectedPassWhatItIs) {
  const ExpectationJudgement judgement =
      Judge({{"verdicts", {"fail"}}, {"finding", "hang"}}, Passed());
  EXPECT_FALSE(judgement.expected);
  EXPECT_EQ(judgement.state, CellState::kPass);
  EXPECT_EQ(judgement.reason, "expected was fail with hang");
}

TEST(ExpectationTest, WantsOneFindingOfTheKindAndAllowsOthers) {
  const Json hang = {{"verdicts", {"fail"}}, {"finding", "hang"}};
  EXPECT_TRUE(Expected(hang, FailedWith({"leak", "hang"})));
  EXPECT_FALSE(Expected(hang, FailedWith({"leak"})));
  EXPECT_EQ(Judge(hang, FailedWith({"leak"})).reason, "found leak, expected was hang");
}

TEST(ExpectationTest, WantsExactlyTheFindings) {
  const Json exactly = {{"verdicts", {"fail"}}, {"findings", {"hang", "leak"}}};
  EXPECT_TRUE(Expected(exactly, FailedWith({"leak", "hang"})));
  EXPECT_FALSE(Expected(exactly, FailedWith({"hang"})));
  EXPECT_FALSE(Expected(exactly, FailedWith({"leak", "hang", "crash"})));
}

TEST(ExpectationTest, DoesNotCountAdvisoryFindings) {
  CellResult cell = FailedWith({"hang"});
  cell.findings.at(0).finding.advisory = true;
  EXPECT_FALSE(Expected({{"verdicts", {"fail"}}, {"finding", "hang"}}, cell));
}

TEST(ExpectationTest, WantsAPassToShowWhatItShallShow) {
  const Json expect = {{"verdicts", {"pass"}}, {"finding", "shared-listener"}};
  CellResult cell = Passed();
  EXPECT_EQ(Judge(expect, cell).reason, "found no shared-listener");
  cell.findings.push_back({});
  cell.findings.at(0).finding.kind = "shared-listener";
  cell.findings.at(0).finding.advisory = true;
  EXPECT_TRUE(Expected(expect, cell));
  EXPECT_TRUE(Expected({{"verdicts", {"pass", "fail"}}, {"finding", "hang"}}, Passed()));
}

TEST(ExpectationTest, WantsTheOutcomeInEveryDecidedTrial) {
  CellResult cell = Passed();
  cell.outcomes["fifo"] = 20;
  EXPECT_TRUE(Expected({{"outcome", "fifo"}}, cell));
  cell.outcomes["fifo"] = 19;
  EXPECT_FALSE(Expected({{"outcome", "fifo"}}, cell));
}

TEST(ExpectationTest, NeverExpectsUnknown) {
  EXPECT_FALSE(
      Expected({{"verdicts", {"pass", "fail", "unknown"}}}, Cell(CellState::kUnknown, 0, 20)));
}

TEST(ExpectationTest, LeavesUnsupportedAloneUnlessAsked) {
  EXPECT_TRUE(Expected(kFail, Cell(CellState::kUnsupported, 0, 0)));
  EXPECT_TRUE(Expected({{"verdicts", {"unsupported"}}}, Cell(CellState::kUnsupported, 0, 0)));
  EXPECT_EQ(Judge({{"verdicts", {"unsupported"}}}, Passed()).reason,
            "it ran, expected was unsupported");
}

Json Rate(double low, double high) { return {{"verdicts", {"fail"}}, {"rate", {low, high}}}; }

TEST(ExpectationRateTest, AcceptsAShareInsideTheRange) {
  EXPECT_TRUE(Expected(Rate(0.02, 1), Cell(CellState::kFail, 1, 20)));
  EXPECT_TRUE(Expected(Rate(0.02, 1), Cell(CellState::kFail, 1,
                                           1)));  // so that a replay of one trial is expected too
}

// P(X = 0 | n, 0.02) is 0.0102 for 227 trials and 0.0099 for 228.
TEST(ExpectationRateTest, RejectsNoFailureAsSoonAsTheTestDoes) {
  EXPECT_FALSE(Expected(Rate(0.02, 1), Cell(CellState::kPass, 0, 228)));
  EXPECT_EQ(Judge(Rate(0.02, 1), Cell(CellState::kPass, 0, 228)).state, CellState::kPass);
}

TEST(ExpectationRateTest, IsUnknownWithTooFewTrialsToReject) {
  const ExpectationJudgement judgement = Judge(Rate(0.02, 1), Cell(CellState::kPass, 0, 227));
  EXPECT_EQ(judgement.state, CellState::kUnknown);
  EXPECT_FALSE(judgement.expected);
  EXPECT_EQ(judgement.reason,
            "0 of 227 trials failed: too few to decide on a rate of 2% to 100%, 228 are needed");
}

// P(X >= 8 | 10, 0.4) is 0.0123, P(X >= 9) is 0.0017.
TEST(ExpectationRateTest, RejectsTooManyFailuresAsSoonAsTheTestDoes) {
  EXPECT_TRUE(Expected(Rate(0.1, 0.4), Cell(CellState::kFail, 8, 10)));
  EXPECT_FALSE(Expected(Rate(0.1, 0.4), Cell(CellState::kFail, 9, 10)));
}

TEST(ExpectationRateTest, IsNotJudgedForASelectionOfTrials) {
  Json expect = Rate(0.2, 0.8);
  expect["finding"] = "lost-update";
  CellExpectation selection = CellExpectation::FromJson(expect);
  const auto judge = [&](const CellResult& cell) {
    return JudgeExpectation(selection, cell, cell.trials.fail);
  };
  const CellResult reproduced = Cell(CellState::kFail, 1, 1, {"lost-update"});
  EXPECT_EQ(judge(reproduced).state, CellState::kUnknown);
  selection.whole = false;
  EXPECT_EQ(judge(reproduced).state, CellState::kFail);
  EXPECT_TRUE(judge(reproduced).expected);
  EXPECT_TRUE(judge(Cell(CellState::kPass, 0, 1)).expected);
  EXPECT_FALSE(judge(Cell(CellState::kFail, 1, 1, {"hang"})).expected);
  EXPECT_EQ(selection.InWords(), "fail with lost-update in some trials");
}

TEST(ExpectationRateTest, AcceptsAPassWhereTheRangeBeginsAtZero) {
  EXPECT_TRUE(Expected(Rate(0, 0.5), Cell(CellState::kPass, 0, 20)));
}

TEST(ExpectationTest, ReadsAnyJson) {
  for (const char* text : {"null", "[]", "7", R"({"verdicts": 3, "rate": ["a"], "findings": {}})",
                           R"({"verdicts": [1, null], "rate": [-1e300, 5]})"}) {
    EXPECT_FALSE(CellExpectation::FromJson(Json::parse(text)).InWords().empty());
  }
}

}  // namespace
}  // namespace trireme
