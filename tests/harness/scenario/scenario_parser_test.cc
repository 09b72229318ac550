#include <gtest/gtest.h>

#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using testing::ScenarioFolder;

class ScenarioParserTest : public ::testing::Test {
 protected:
  Scenario Parse(const std::string& rest) {
    Result<Scenario> scenario = folder_.Parse(Complete(rest));
    EXPECT_TRUE(scenario.ok()) << folder_.ErrorOf(Complete(rest));
    return scenario.ok() ? *std::move(scenario) : Scenario{};
  }
  std::string ErrorOf(const std::string& rest) { return folder_.ErrorOf(Complete(rest)); }

  ScenarioFolder folder_;
};

TEST_F(ScenarioParserTest, ReadsEveryKey) {
  const Result<Scenario> parsed = folder_.Parse(
      "version: 1\n"
      "summary: Two tasks wait to read one socket\n"
      "description: |\n"
      "  Eventlet refuses the second reader; nothing else does.\n"
      "tags: [hazard, sockets]\n"
      "references: [\"Identified blocking points\", F57]\n"
      "workload: {python: workload.py, cpp: workload.cc}\n"
      "params: {readers: 2, bytes: 65536, share: 0.5, name: no}\n"
      "matrix: {protocol: [tcp, unix]}\n"
      "runtimes: [threading, eventlet, thread]\n"
      "reference: eventlet/3.11\n"
      "trials: 20\n"
      "timeout: 10s\n"
      "isolation: process\n"
      "inputs: per-trial\n"
      "exclusive: true\n"
      "requires: [fork]\n"
      "faults: [none]\n"
      "checks: [equivalence, {overlap: {ops: [sell]}}, {deadline: {op: request, within: 20ms}}]\n"
      "compare: {total: exact, rate: {tolerance: 0.1}}\n"
      "expect:\n"
      "  default: {verdict: fail, finding: overlap}\n"
      "  \"threading/3.13t\": {verdict: [pass, fail], findings: [], rate: 0.02..1, outcome: fifo}\n"
      "max-unknown: 0.1\n"
      "memory: 1GiB\n");
  ASSERT_TRUE(parsed.ok()) << parsed.error().Render();
  const Scenario& scenario = *parsed;
  EXPECT_EQ(scenario.name, "hazards/test");
  EXPECT_EQ(scenario.summary, "Two tasks wait to read one socket");
  EXPECT_EQ(scenario.description, "Eventlet refuses the second reader; nothing else does.\n");
  EXPECT_EQ(scenario.tags, (std::vector<std::string>{"hazard", "sockets"}));
  EXPECT_EQ(scenario.python, RealPath(folder_.path()) + "/workload.py");
  EXPECT_EQ(DumpJson(scenario.params), R"({"readers":2,"bytes":65536,"share":0.5,"name":"no"})");
  ASSERT_EQ(scenario.matrix.size(), 1U);
  EXPECT_EQ(scenario.matrix[0].second, (std::vector<Json>{"tcp", "unix"}));
  EXPECT_EQ(scenario.runtimes, (std::vector<std::string>{"eventlet", "threading", "thread"}));
  EXPECT_EQ(scenario.reference, "eventlet/3.11");
  EXPECT_EQ(scenario.trials, 20);
  EXPECT_EQ(scenario.timeout, 10'000'000'000);
  EXPECT_TRUE(scenario.isolated_process && scenario.inputs_per_trial && scenario.exclusive);
  ASSERT_EQ(scenario.checks.size(), 3U);
  EXPECT_EQ(DumpJson(scenario.checks[1].arguments), R"({"ops":["sell"]})");
  EXPECT_EQ(DumpJson(scenario.checks[2].arguments), R"({"within":20000000,"op":"request"})");
  EXPECT_EQ(DumpJson(scenario.compare), R"({"total":"exact","rate":{"tolerance":0.1}})");
  ASSERT_EQ(scenario.expectations.size(), 2U);
  EXPECT_EQ(scenario.expectations[0].finding, "overlap");
  EXPECT_TRUE(scenario.expectations[1].exact_findings);
  EXPECT_EQ(scenario.expectations[1].rate_low, 0.02);
  EXPECT_EQ(scenario.memory, int64_t{1} << 30);
}

TEST_F(ScenarioParserTest, PointsAtAnUnknownRuntime) {
  EXPECT_EQ(ErrorOf("runtimes: [evenlet, threading]\n"),
            "scenario.yaml:4:12: error: unknown runtime 'evenlet'\n"
            "runtimes: [evenlet, threading]\n"
            "           ^~~~~~~\n"
            "hint: did you mean 'eventlet'?\n");
}

}  // namespace
}  // namespace trireme
