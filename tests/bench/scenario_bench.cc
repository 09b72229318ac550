#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "harness/base/check.h"
#include "harness/base/file.h"
#include "harness/scenario/discovery.h"
#include "harness/scenario/plan.h"
#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

constexpr int kScenarios = 1000;

// As long as a shipped scenario is.
constexpr const char* kText =
    "version: 1\n"
    "summary: Counters read, computed and written back without a lock lose updates\n"
    "description: |\n"
    "  Between two waits a green thread or an asyncio task is atomic, so the bug is not there. A\n"
    "  native thread may be preempted between the read and the write (F01).\n"
    "tags: [planted, race]\n"
    "references: [F01]\n"
    "workload: {python: workload.py, cpp: workload.cc}\n"
    "params: {tasks: 4, updates: 400, rounds: 40}\n"
    "matrix: {protocol: [tcp, unix]}\n"
    "trials: 20\n"
    "timeout: 20s\n"
    "checks: [equivalence, progress, leak, {lost-update: {op: increment, final: total}}]\n"
    "compare: {total: exact, took: ignore}\n"
    "expect:\n"
    "  native: {verdict: fail, finding: lost-update}\n";

void WriteScenarios(const std::string& folder) {
  for (int i = 0; i < kScenarios; ++i) {
    const std::string own =
        folder + "/set-" + std::to_string(i % 20) + "/scenario-" + std::to_string(i);
    TRIREME_CHECK(MakeDirectories(own).ok());
    TRIREME_CHECK(WriteFile(own + "/scenario.yaml", kText).ok());
    TRIREME_CHECK(WriteFile(own + "/workload.py", "").ok());
    TRIREME_CHECK(WriteFile(own + "/workload.cc", "").ok());
  }
}

// From a folder of scenarios to the plan that a run would execute.
void ParseAndPlan(benchmark::State& state) {
  const TemporaryDirectory folder;
  WriteScenarios(folder.path());
  const Vocabulary vocabulary = testing::TestVocabulary();
  PlanOptions options;
  options.interpreters = {{.name = "3.11", .path = "/usr/bin/python3.11"}};
  for (auto _ : state) {
    const auto files = FindScenarios({}, {folder.path()});
    const auto scenarios = LoadScenarios(*files, vocabulary);
    const auto plan = MakePlan(*scenarios, options, vocabulary);
    TRIREME_CHECK(plan.ok() && plan->cells.size() == 12 * kScenarios);
  }
  state.SetLabel("parse and plan 1,000 scenarios, in process | <= 1 s");
}
BENCHMARK(ParseAndPlan)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace trireme
