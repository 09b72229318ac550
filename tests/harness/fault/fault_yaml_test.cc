#include "harness/fault/fault_yaml.h"

#include <gtest/gtest.h>

#include "tests/harness/fault/fault_testing.h"

namespace trireme {
namespace {

// That it reads back as the same plan is tested where plans are read: tests/harness/cli/faults_test.cc.
TEST(FaultYamlTest, IsWhatAPersonWouldWrite) {
  FaultPlan plan{.name = "minimal", .summary = "what is left"};
  plan.faults = {SystemCall(R"({"call": ["recv", "send"], "side": "server",
                                "connection": "1.2#0", "offset": 256})",
                            R"({"reset": true})", "reset.1"),
                 SystemCall(R"({"probability": 0.25})", R"({"delay": 20000000})", "late")};
  plan.faults[1].seed = 7;
  plan.faults.push_back({.name = "back", .key = "time", .members = {{"jump", -3'600'000'000'000}}});
  EXPECT_EQ(FaultPlanToYaml(plan), R"(version: 1
name: "minimal"
summary: "what is left"
all:
  - name: "reset.1"
    at: {call: [recv, send], side: server, connection: "1.2#0", offset: 256}
    do: {reset: true}
  - name: "late"
    seed: 0x7
    at: {probability: 0.25}
    do: {delay: 20ms}
  - name: "back"
    time: {jump: -1h}
)");
}

TEST(FaultYamlTest, QuotesWhatYamlWouldTakeForSomethingElse) {
  FaultPlan plan{.name = "p", .summary = ""};
  plan.faults = {{.name = "x", .key = "task", .members = {{"cancel", "no"}, {"point", 1}}},
                 {.name = "y", .key = "task", .members = {{"cancel", "a \"b\" \\[c]: #"}}}};
  const std::string yaml = FaultPlanToYaml(plan);
  EXPECT_NE(yaml.find(R"(task: {cancel: "no", point: 1})"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find(R"(task: {cancel: "a \"b\" \\[c]: #"})"), std::string::npos) << yaml;
}

TEST(FaultYamlTest, KeepsTimesExactly) {
  FaultPlan plan{.name = "p", .summary = ""};
  plan.faults = {SystemCall("{}", R"({"delay": 1500001})"),
                 SystemCall("{}", R"({"stall": 90000000000})")};
  const std::string yaml = FaultPlanToYaml(plan);
  EXPECT_NE(yaml.find("{delay: 1500001ns}"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("{stall: 90s}"), std::string::npos) << yaml;
}

}  // namespace
}  // namespace trireme
