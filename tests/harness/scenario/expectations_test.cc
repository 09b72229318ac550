#include "harness/scenario/expectations.h"

#include <gtest/gtest.h>

#include "harness/scenario/words.h"
#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using testing::ScenarioFolder;
using testing::TestVocabulary;

class ExpectationsTest : public ::testing::Test {
 protected:
  std::string ErrorOf(const std::string& expect, const std::string& before = "") {
    return folder_.ErrorOf(Complete(before + "expect: " + expect + "\n"));
  }

  // The outcome that a cell is expected to have when each key of `keys` expects its own name.
  std::string KeyFor(const std::vector<std::string>& keys, const std::string& runtime,
                     const std::string& interpreter) {
    std::string text = "expect:\n";
    for (const std::string& key : keys) text += "  \"" + key + "\": {outcome: \"" + key + "\"}\n";
    const Result<Scenario> scenario = folder_.Parse(Complete(text));
    EXPECT_TRUE(scenario.ok()) << folder_.ErrorOf(Complete(text));
    return scenario.ok() ? Expected(*scenario, runtime, interpreter).outcome : "";
  }

  static Expectation Expected(const Scenario& scenario, const std::string& runtime,
                              const std::string& interpreter) {
    return ExpectationFor(scenario, *FindRuntime(TestVocabulary(), runtime), interpreter);
  }

  ScenarioFolder folder_;
};

TEST_F(ExpectationsTest, ArePassWithoutAny) {
  const Result<Scenario> scenario = folder_.Parse(Complete(""));
  const Expectation expectation = Expected(*scenario, "threading", "3.11");
  EXPECT_EQ(expectation.verdicts, std::vector<std::string>{"pass"});
  EXPECT_EQ(expectation.key, "default");
}

TEST_F(ExpectationsTest, PreferTheMostSpecificKey) {
  std::vector<std::string> keys = {"default", "native", "threading", "thread*/3.1*",
                                   "threading/3.13t"};
  const auto key = [&] { return KeyFor(keys, "threading", "3.13t"); };
  EXPECT_EQ(key(), "threading/3.13t");
  keys.pop_back();
  EXPECT_EQ(key(), "thread*/3.1*");
  keys.pop_back();
  EXPECT_EQ(key(), "threading");
  keys.pop_back();
  EXPECT_EQ(key(), "native");
  keys.pop_back();
  EXPECT_EQ(key(), "default");
}

TEST_F(ExpectationsTest, PreferTheGlobThatSaysMore) {
  EXPECT_EQ(KeyFor({"thr*", "*/3.13t"}, "threading", "3.13t"), "*/3.13t");
  EXPECT_EQ(KeyFor({"threading/*", "*/3.13t"}, "threading", "3.13t"), "threading/*");
  EXPECT_EQ(KeyFor({"*t", "t*"}, "threading", "3.13t"), "*t");
}

TEST_F(ExpectationsTest, LeaveOtherCellsAlone) {
  EXPECT_EQ(KeyFor({"threading/3.13t", "*/3.12", "async"}, "threading", "3.13"), "");
}

TEST_F(ExpectationsTest, MatchCppByRuntimeAndGlob) {
  EXPECT_EQ(KeyFor({"default", "thread"}, "thread", ""), "thread");
  EXPECT_EQ(KeyFor({"default", "thr*"}, "thread", ""), "thr*");
  EXPECT_EQ(KeyFor({"default", "thr?ad"}, "thread", ""), "thr?ad");
}

TEST_F(ExpectationsTest, CallTheInterpreterOfCppCpp) {
  for (const std::string key : {"thread/cpp", "*/cpp", "*/*", "thread/*", "thr*/*"})
    EXPECT_EQ(KeyFor({"default", key}, "thread", ""), key);
  EXPECT_EQ(KeyFor({"thread", "*/*", "thread/cpp"}, "thread", ""), "thread/cpp");
  EXPECT_EQ(KeyFor({"default", "*/3.*"}, "thread", ""), "default");
  // A Python runtime without an interpreter is not one of C++.
  EXPECT_EQ(KeyFor({"default", "*/cpp"}, "threading", ""), "default");
}

TEST_F(ExpectationsTest, RejectAnUnknownRuntime) {
  EXPECT_EQ(ErrorOf("{evenlet: {}}"),
            "scenario.yaml:4:10: error: unknown runtime 'evenlet'\n"
            "expect: {evenlet: {}}\n"
            "         ^~~~~~~\n"
            "hint: did you mean 'eventlet'?\n");
  EXPECT_EQ(ErrorOf("{defualt: {}}"),
            "scenario.yaml:4:10: error: unknown runtime 'defualt'\n"
            "expect: {defualt: {}}\n"
            "         ^~~~~~~\n"
            "hint: did you mean 'default'?\n");
}

TEST_F(ExpectationsTest, RejectARuntimeOfALaterVersion) {
  EXPECT_EQ(ErrorOf("{aiohttp: {}}"),
            "scenario.yaml:4:10: error: runtime 'aiohttp' is not available yet\n"
            "expect: {aiohttp: {}}\n"
            "         ^~~~~~~\n");
}

TEST_F(ExpectationsTest, RejectKeysThatMatchNothing) {
  for (const std::string key :
       {"threading", "\"x*/3.11\"", "\"thread*\"", "threading/3.11", "\"*ing/3.11\""}) {
    const size_t tildes = key.size() - 1;
    const std::string plain = key.front() == '"' ? key.substr(1, key.size() - 2) : key;
    EXPECT_EQ(ErrorOf("{" + key + ": {}}", "runtimes: [eventlet]\n"),
              "scenario.yaml:5:10: error: '" + plain + "' matches no runtime of this scenario\n" +
                  "expect: {" + key + ": {}}\n         ^" + std::string(tildes, '~') +
                  "\nhint: it allows eventlet\n");
  }
}

TEST_F(ExpectationsTest, AcceptKeysThatMatchSomething) {
  for (const std::string key : {"eventlet", "green", "default", "eventlet/3.99", "\"e*/3.11\"",
                                "\"*\"", "\"*/3.1?\"", "\"event*3.11\"", "\"*3.11\""})
    EXPECT_EQ(ErrorOf("{" + key + ": {}}", "runtimes: [eventlet]\n"), "") << key;
}

TEST_F(ExpectationsTest, RejectAnInterpreterOfCpp) {
  EXPECT_EQ(ErrorOf("{thread/3.11: {}}"),
            "scenario.yaml:4:10: error: runtime 'thread' has no interpreter\n"
            "expect: {thread/3.11: {}}\n"
            "         ^~~~~~~~~~~\n"
            "hint: write thread, or thread/cpp\n");
}

TEST_F(ExpectationsTest, RejectAGlobThatMatchesNoInterpreterOfCpp) {
  EXPECT_EQ(ErrorOf("{\"*/3.11\": {}}", "runtimes: [thread]\n"),
            "scenario.yaml:5:10: error: '*/3.11' matches no runtime of this scenario\n"
            "expect: {\"*/3.11\": {}}\n"
            "         ^~~~~~~~\n"
            "hint: it allows thread\n");
}

TEST_F(ExpectationsTest, RejectAnEmptyInterpreter) {
  EXPECT_EQ(ErrorOf("{threading/: {}}"),
            "scenario.yaml:4:10: error: no interpreter after '/'\n"
            "expect: {threading/: {}}\n"
            "         ^~~~~~~~~~\n");
}

TEST_F(ExpectationsTest, RejectAnUnknownVerdict) {
  EXPECT_EQ(ErrorOf("{default: {verdict: failed}}"),
            "scenario.yaml:4:29: error: 'verdict' must be pass, fail or unsupported, not 'failed'\n"
            "expect: {default: {verdict: failed}}\n"
            "                            ^~~~~~\n"
            "hint: did you mean 'fail'?\n");
}

TEST_F(ExpectationsTest, RejectToExpectUnknown) {
  EXPECT_EQ(ErrorOf("{default: {verdict: [pass, unknown]}}"),
            "scenario.yaml:4:36: error: unknown is never expected\n"
            "expect: {default: {verdict: [pass, unknown]}}\n"
            "                                   ^~~~~~~\n"
            "hint: say what the cell does when it is decided: pass, fail or both\n");
}

TEST_F(ExpectationsTest, RejectNoVerdictAndOneTwice) {
  EXPECT_EQ(ErrorOf("{default: {verdict: []}}"),
            "scenario.yaml:4:29: error: 'verdict' must not be empty\n"
            "expect: {default: {verdict: []}}\n"
            "                            ^\n");
  EXPECT_EQ(ErrorOf("{default: {verdict: [fail, fail]}}"),
            "scenario.yaml:4:36: error: 'fail' is listed twice\n"
            "expect: {default: {verdict: [fail, fail]}}\n"
            "                                   ^~~~\n");
}

TEST_F(ExpectationsTest, RejectAnUnknownFinding) {
  EXPECT_EQ(ErrorOf("{default: {finding: hangs}}"),
            "scenario.yaml:4:29: error: unknown finding 'hangs'\n"
            "expect: {default: {finding: hangs}}\n"
            "                            ^~~~~\n"
            "hint: did you mean 'hang'?\n");
  EXPECT_EQ(ErrorOf("{default: {findings: hang}}"),
            "scenario.yaml:4:30: error: 'findings' must be a list, not text\n"
            "expect: {default: {findings: hang}}\n"
            "                             ^~~~\n");
}

TEST_F(ExpectationsTest, RejectAnUnknownKey) {
  EXPECT_EQ(ErrorOf("{default: {verdit: fail}}"),
            "scenario.yaml:4:20: error: unknown key 'verdit' of 'default'\n"
            "expect: {default: {verdit: fail}}\n"
            "                   ^~~~~~\n"
            "hint: did you mean 'verdict'?\n");
}

TEST_F(ExpectationsTest, RejectWhatIsNoMapping) {
  EXPECT_EQ(ErrorOf("fail"),
            "scenario.yaml:4:9: error: 'expect' must be a mapping, not text\n"
            "expect: fail\n"
            "        ^~~~\n");
  EXPECT_EQ(ErrorOf("{default: fail}"),
            "scenario.yaml:4:19: error: 'default' must be a mapping, not text\n"
            "expect: {default: fail}\n"
            "                  ^~~~\n");
}

TEST_F(ExpectationsTest, AcceptEveryRange) {
  for (const std::string rate : {"0..1", "0.02..1", "0.5..0.5", "1..1", "1e-3..0.1"})
    EXPECT_EQ(ErrorOf("{default: {verdict: fail, rate: " + rate + "}}"), "") << rate;
}

TEST_F(ExpectationsTest, RejectWhatIsNoRange) {
  for (const std::string rate : {"0.5", "0.5..0.4", "0..1.01", "-0.1..1", "0..", "..1", "a..b",
                                 "nan..1", "0..1..2", "0, 1"}) {
    const std::string quoted = "\"" + rate + "\"";
    EXPECT_EQ(ErrorOf("{default: {verdict: fail, rate: " + quoted + "}}"),
              "scenario.yaml:4:41: error: 'rate' must be a range within 0..1, not '" + rate +
                  "'\n" + "expect: {default: {verdict: fail, rate: " + quoted + "}}\n" +
                  std::string(40, ' ') + "^" + std::string(quoted.size() - 1, '~') +
                  "\nhint: write the least and the greatest share of failing trials: 0.02..1\n");
  }
}

TEST_F(ExpectationsTest, RejectARateWithoutFailure) {
  EXPECT_EQ(ErrorOf("{default: {rate: 0..1}}"),
            "scenario.yaml:4:26: error: 'rate' is the share of failing trials\n"
            "expect: {default: {rate: 0..1}}\n"
            "                         ^~~~\n"
            "hint: add verdict: fail\n");
}

}  // namespace
}  // namespace trireme
