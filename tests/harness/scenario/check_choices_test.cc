#include "harness/scenario/check_choices.h"

#include <gtest/gtest.h>

#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using testing::ScenarioFolder;

class CheckChoicesTest : public ::testing::Test {
 protected:
  // Name and arguments of each, or the error.
  std::string Choose(const std::string& checks) {
    const std::string text = Complete(checks.empty() ? "" : "checks: " + checks + "\n");
    const Result<Scenario> scenario = folder_.Parse(text);
    if (!scenario.ok()) return folder_.ErrorOf(text);
    std::string out;
    for (const CheckChoice& check : scenario->checks)
      out += check.name + DumpJson(check.arguments) + "\n";
    return out;
  }

  ScenarioFolder folder_;
};

TEST_F(CheckChoicesTest, AreTheDefaultsWithoutAny) {
  EXPECT_EQ(Choose(""), "equivalence{}\nprogress{}\nleak{\"allow\":[]}\n");
}

TEST_F(CheckChoicesTest, MayBeNone) { EXPECT_EQ(Choose("[]"), ""); }

TEST_F(CheckChoicesTest, AreCompletedByTheirDefaults) {
  EXPECT_EQ(Choose("[leak, {deadline: {op: get}}]"),
            "leak{\"allow\":[]}\ndeadline{\"within\":1000000000,\"op\":\"get\"}\n");
}

TEST_F(CheckChoicesTest, TakeArgumentsOfEachType) {
  EXPECT_EQ(Choose("[{leak: {allow: [a, b]}}, {deadline: {op: get, within: 20ms}}, "
                   "{lost-update: {op: a, final: b, strict: true, slack: 0.5}}]"),
            "leak{\"allow\":[\"a\",\"b\"]}\n"
            "deadline{\"within\":20000000,\"op\":\"get\"}\n"
            "lost-update{\"strict\":true,\"slack\":0.5,\"op\":\"a\",\"final\":\"b\"}\n");
}

TEST_F(CheckChoicesTest, MayBeSeveralOfOneNameThatAreAboutDifferentThings) {
  EXPECT_EQ(Choose("[{deadline: {op: get}}, {deadline: {op: put}}]"),
            "deadline{\"within\":1000000000,\"op\":\"get\"}\n"
            "deadline{\"within\":1000000000,\"op\":\"put\"}\n");
}

TEST_F(CheckChoicesTest, RejectTheSameTwice) {
  EXPECT_EQ(Choose("[leak, progress, leak]"),
            "scenario.yaml:4:26: error: check 'leak' is given twice\n"
            "checks: [leak, progress, leak]\n"
            "                         ^~~~\n"
            "hint: leave one out\n");
  EXPECT_EQ(Choose("[{deadline: {op: a}}, {deadline: {within: 1s, op: a}}]"),
            "scenario.yaml:4:32: error: check 'deadline' is given twice\n"
            "checks: [{deadline: {op: a}}, {deadline: {within: 1s, op: a}}]\n"
            "                               ^~~~~~~~\n"
            "hint: leave one out, or give them different arguments\n");
}

TEST_F(CheckChoicesTest, RejectASecondWordOnWhatIsJudgedOnce) {
  EXPECT_EQ(Choose("[leak, {leak: {allow: [a]}}]"),
            "scenario.yaml:4:17: error: check 'leak' is given twice, with different arguments\n"
            "checks: [leak, {leak: {allow: [a]}}]\n"
            "                ^~~~\n"
            "hint: give it once, with the arguments that it is to have\n");
}

TEST_F(CheckChoicesTest, RejectAnUnknownCheck) {
  EXPECT_EQ(Choose("[equivalense]"),
            "scenario.yaml:4:10: error: unknown check 'equivalense'\n"
            "checks: [equivalense]\n"
            "         ^~~~~~~~~~~\n"
            "hint: did you mean 'equivalence'?\n");
}

TEST_F(CheckChoicesTest, RejectACheckOfALaterVersion) {
  EXPECT_EQ(Choose("[multiple-readers]"),
            "scenario.yaml:4:10: error: check 'multiple-readers' is not available yet\n"
            "checks: [multiple-readers]\n"
            "         ^~~~~~~~~~~~~~~~\n");
  EXPECT_EQ(Choose("[{linearizable: {model: register}}]"),
            "scenario.yaml:4:11: error: check 'linearizable' is not available yet\n"
            "checks: [{linearizable: {model: register}}]\n"
            "          ^~~~~~~~~~~~\n");
}

TEST_F(CheckChoicesTest, RejectAnUnknownArgument) {
  EXPECT_EQ(Choose("[{overlap: {op: [a]}}]"),
            "scenario.yaml:4:21: error: unknown argument 'op' of check 'overlap'\n"
            "checks: [{overlap: {op: [a]}}]\n"
            "                    ^~\n"
            "hint: did you mean 'ops'?\n");
}

TEST_F(CheckChoicesTest, RejectAMissingArgument) {
  EXPECT_EQ(Choose("[overlap]"),
            "scenario.yaml:4:10: error: check 'overlap' needs 'ops'\n"
            "checks: [overlap]\n"
            "         ^~~~~~~\n");
  EXPECT_EQ(Choose("[{overlap: {}}]"),
            "scenario.yaml:4:11: error: check 'overlap' needs 'ops'\n"
            "checks: [{overlap: {}}]\n"
            "          ^~~~~~~\n");
}

TEST_F(CheckChoicesTest, RejectArgumentsOfAnotherType) {
  EXPECT_EQ(Choose("[{overlap: {ops: a}}]"),
            "scenario.yaml:4:26: error: 'ops' must be a list of texts, not text\n"
            "checks: [{overlap: {ops: a}}]\n"
            "                         ^\n");
  EXPECT_EQ(Choose("[{lost-update: {op: 1, final: b}}]"),
            "scenario.yaml:4:29: error: 'op' must be text, not the number 1\n"
            "checks: [{lost-update: {op: 1, final: b}}]\n"
            "                            ^\n"
            "hint: quote it: \"1\"\n");
  EXPECT_EQ(Choose("[{lost-update: {op: a, final: b, strict: yes}}]"),
            "scenario.yaml:4:50: error: 'strict' must be true or false, not 'yes'\n"
            "checks: [{lost-update: {op: a, final: b, strict: yes}}]\n"
            "                                                 ^~~\n");
  EXPECT_EQ(Choose("[{lost-update: {op: a, final: b, slack: x}}]"),
            "scenario.yaml:4:49: error: 'slack' must be a number, not 'x'\n"
            "checks: [{lost-update: {op: a, final: b, slack: x}}]\n"
            "                                                ^\n");
  EXPECT_EQ(Choose("[{deadline: {op: a, within: soon}}]"),
            "scenario.yaml:4:37: error: 'within' must be a duration, not 'soon'\n"
            "checks: [{deadline: {op: a, within: soon}}]\n"
            "                                    ^~~~\n"
            "hint: write it as 500ms, 10s, 1.5m or 2h\n");
}

TEST_F(CheckChoicesTest, RejectAnImpossibleDuration) {
  EXPECT_EQ(Choose("[{deadline: {op: a, within: 0s}}]"),
            "scenario.yaml:4:37: error: 'within' must be from 1us to 24h00m, not 0s\n"
            "checks: [{deadline: {op: a, within: 0s}}]\n"
            "                                    ^~\n");
}

TEST_F(CheckChoicesTest, RejectArgumentsThatAreNoMapping) {
  EXPECT_EQ(Choose("[{overlap: }]"),
            "scenario.yaml:4:11: error: check 'overlap' must be a mapping, not nothing\n"
            "checks: [{overlap: }]\n"
            "          ^~~~~~~\n");
  EXPECT_EQ(Choose("[{overlap: [sell]}]"),
            "scenario.yaml:4:20: error: check 'overlap' must be a mapping, not a list\n"
            "checks: [{overlap: [sell]}]\n"
            "                   ^\n");
}

TEST_F(CheckChoicesTest, RejectTwoChecksInOneItem) {
  EXPECT_EQ(Choose("[{leak: {}, progress: {}}]"),
            "scenario.yaml:4:10: error: a check with arguments is one key\n"
            "checks: [{leak: {}, progress: {}}]\n"
            "         ^\n"
            "hint: write {overlap: {ops: [sell]}}\n");
}

TEST_F(CheckChoicesTest, RejectWhatIsNoList) {
  EXPECT_EQ(Choose("equivalence"),
            "scenario.yaml:4:9: error: 'checks' must be a list, not text\n"
            "checks: equivalence\n"
            "        ^~~~~~~~~~~\n");
}

}  // namespace
}  // namespace trireme
