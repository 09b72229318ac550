#include "harness/check/running_tests.h"

#include "harness/base/strings.h"
#include "harness/check/mixed_arm_checker.h"

namespace trireme {
namespace {

constexpr size_t kNamedRunning = 4;

}  // namespace

std::vector<std::string> RunningTests(const TrialView& view, int64_t time) {
  std::vector<std::string> tests;
  if (!IsCommand(*view.cell)) return tests;
  for (const Operation& operation : view.operations)
    if (operation.name == kTestOperation && operation.begin <= time && operation.end > time &&
        operation.value.is_string())
      tests.push_back(operation.value.get<std::string>());
  return tests;
}

std::string RunningTestsInWords(const TrialView& view, int64_t time) {
  std::vector<std::string> tests = RunningTests(view, time);
  if (tests.empty()) return "";
  const size_t more = tests.size() > kNamedRunning ? tests.size() - kNamedRunning : 0;
  tests.resize(tests.size() - more);
  return "; not ended: " + Join(tests, ", ") +
         (more > 0 ? " and " + Count(static_cast<int64_t>(more), "other test") : "");
}

}  // namespace trireme
