#include <gtest/gtest.h>

#include "harness/scenario/field_reader.h"
#include "harness/scenario/yaml_document.h"
#include "tests/harness/scenario/schema_validator.h"
#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using testing::TestVocabulary;
using testing::WhyInvalid;

// What an editor says of the text that Complete() makes of `rest`.
std::string WhyRejected(const std::string& rest) {
  const Result<YamlDocument> document = YamlDocument::Parse(Complete(rest), "a.yaml");
  EXPECT_TRUE(document.ok());
  return WhyInvalid(ScenarioSchema(TestVocabulary()),
                    *FieldReader(*document).Value(document->root()));
}

TEST(ScenarioSchemaTest, AcceptsEveryKey) {
  EXPECT_EQ(
      WhyRejected("description: d\n"
                  "tags: [hazard]\n"
                  "references: [F57]\n"
                  "params: {readers: 2, list: [1, {a: null}]}\n"
                  "matrix: {protocol: [tcp, unix], size: [1]}\n"
                  "runtimes: [eventlet]\n"
                  "reference: eventlet/3.11\n"
                  "trials: 20\n"
                  "timeout: 1.5m\n"
                  "isolation: process\n"
                  "inputs: per-trial\n"
                  "exclusive: true\n"
                  "requires: [fork]\n"
                  "faults: [none, slow, {name: cut, seed: 0x7, at: {call: recv, offset: 4KiB},"
                  " do: {reset: true}}, {name: two, summary: s, all: [{name: a, seed: 7,"
                  " do: {delay: 5ms}}, {link: {rate: 1MBps, jump: -1h, count: 2, loss: 0.5,"
                  " speed: 2, to: there}}]}]\n"
                  "checks: [leak, {leak: {allow: [x]}}, {overlap: {ops: [sell]}},"
                  " {deadline: {op: get, within: 20ms}},"
                  " {lost-update: {op: a, final: b, strict: true, slack: 0.5}}]\n"
                  "compare: {total: exact, rate: {tolerance: 0.1}}\n"
                  "expect:\n"
                  "  default: {verdict: fail, finding: overlap}\n"
                  "  \"threading/3.13t\": {verdict: [pass, fail], findings: [], rate: "
                  "0.02..1, outcome: o}\n"
                  "max-unknown: 0.1\n"
                  "memory: 1GiB\n"),
      "");
}

TEST(ScenarioSchemaTest, AcceptsPlainNumbersAsDurationsAndSizes) {
  EXPECT_EQ(WhyRejected("timeout: 10\nmemory: 33554432\n"), "");
}

TEST(ScenarioSchemaTest, RejectsWhatTheParserRejects) {
  EXPECT_EQ(WhyRejected("runtime: [thread]\n"), "/runtime: additionalProperties");
  EXPECT_EQ(WhyRejected("runtimes: [evenlet]\n"), "/runtimes/0: enum");
  EXPECT_EQ(WhyRejected("runtimes: []\n"), "/runtimes: minItems");
  EXPECT_EQ(WhyRejected("trials: 0\n"), "/trials: minimum");
  EXPECT_EQ(WhyRejected("trials: 1000001\n"), "/trials: maximum");
  EXPECT_EQ(WhyRejected("timeout: 400d\n"), "/timeout: pattern, nor /timeout: type");
  EXPECT_EQ(WhyRejected("params: {a b: 1}\n"), "/params/a b: pattern");
  EXPECT_EQ(WhyRejected("matrix: {a: []}\n"), "/matrix/a: minItems");
  EXPECT_EQ(WhyRejected("exclusive: yes\n"), "/exclusive: type");
  EXPECT_EQ(WhyRejected("faults: []\n"), "/faults: minItems");
  EXPECT_NE(WhyRejected("faults: [{do: {reset: true}}]\n"), "");
  EXPECT_NE(WhyRejected("faults: [{name: x, do: {rest: true}}]\n"), "");
  EXPECT_NE(WhyRejected("faults: [{name: x, link: {rate: 1MB}}]\n"), "");
  EXPECT_NE(WhyRejected("faults: [{name: x, link: {loss: 2}}]\n"), "");
  EXPECT_NE(WhyRejected("faults: [{name: a/b, do: {reset: true}}]\n"), "");
  EXPECT_EQ(WhyRejected("checks: [overlap]\n"), "/checks/0: enum, nor /checks/0: type");
  EXPECT_EQ(WhyRejected("checks: [{overlap: {}}]\n"),
            "/checks/0: enum, nor /checks/0/overlap: required");
  EXPECT_EQ(WhyRejected("compare: {a: exakt}\n"), "/compare/a: enum, nor /compare/a: type");
  EXPECT_EQ(WhyRejected("compare: {wire: lines}\n"), "");
  EXPECT_EQ(WhyRejected("compare: {wire: multiset}\n"), "/compare/wire: enum");
  EXPECT_EQ(WhyRejected("expect: {default: {verdit: fail}}\n"),
            "/expect/default/verdit: additionalProperties");
  EXPECT_EQ(WhyRejected("expect: {\"e*\": {rate: \"0.5\"}}\n"), "/expect/e*/rate: pattern");
}

TEST(ScenarioSchemaTest, WantsWhatEveryScenarioHas) {
  const Json schema = ScenarioSchema(TestVocabulary());
  const Json complete = {
      {"version", 1}, {"summary", "s"}, {"workload", {{"python", "workload.py"}}}};
  EXPECT_EQ(WhyInvalid(schema, complete), "");
  for (const auto& [key, value] : complete.items()) {
    Json without = complete;
    without.erase(key);
    EXPECT_EQ(WhyInvalid(schema, without), ": required") << key;
  }
}

TEST(ScenarioSchemaTest, WantsFilesOrACommand) {
  const auto why = [](const Json& workload) {
    return WhyInvalid(ScenarioSchema(TestVocabulary()),
                      {{"version", 1}, {"summary", "s"}, {"workload", workload}});
  };
  EXPECT_EQ(why({{"command", Json::array({"pytest"})}}), "");
  EXPECT_NE(why({{"command", Json::array({"pytest"})}, {"cpp", "workload.cc"}}), "");
  EXPECT_NE(why(Json::object()), "");
}

}  // namespace
}  // namespace trireme
