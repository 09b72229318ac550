#ifndef TRIREME_TESTS_HARNESS_ENGINE_ENGINE_FIXTURE_H_
#define TRIREME_TESTS_HARNESS_ENGINE_ENGINE_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/engine/engine.h"
#include "harness/history/history.h"

namespace trireme {

// Runs plans on tests/testing/fake_runner.cc in a folder of its own and keeps what the engine told.
// Each test ends with a look for what the run left behind: processes, descriptors, shared memory.
class EngineTest : public ::testing::Test {
 protected:
  EngineTest();
  void SetUp() override;
  void TearDown() override;

  // A cell of the fake runner; `params` say what its trials do.
  static PlannedCell Cell(const std::string& id, const Json& params, int64_t trials = 1);
  // RunPlan must succeed.
  EngineOutcome Run(const std::vector<PlannedCell>& cells);
  EngineOutcome RunOne(const Json& params) { return Run({Cell("cell", params)}); }

  const FinishedTrial& only() const;
  std::string FileOf(const FinishedTrial& trial, const std::string& name) const;
  // Of its last event.
  static std::string ExitKey(const FinishedTrial& trial);
  static History HistoryOf(const FinishedTrial& trial);
  static size_t CountEvents(const FinishedTrial& trial, EventKind kind);

  EngineOptions options_;
  EngineEvents events_;
  std::function<Judgement(const FinishedTrial&)> judge_;  // default: pass
  std::vector<FinishedTrial> finished_;
  std::vector<std::string> order_;  // "cell/trial" as they started
  std::map<size_t, EngineEvents::Refusal> refused_;
  std::map<size_t, std::vector<std::string>> notes_;
  std::map<size_t, Json> environments_;

 private:
  TemporaryDirectory directory_;
  std::vector<std::string> descriptors_before_;
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_ENGINE_ENGINE_FIXTURE_H_
