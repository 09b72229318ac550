#ifndef TRIREME_TESTS_FUZZ_SCENARIO_TARGET_H_
#define TRIREME_TESTS_FUZZ_SCENARIO_TARGET_H_

#include <string>

namespace trireme {

// Reads `text` as a scenario.yaml beside two workloads and plans it; aborts when the scenario, the
// error or the plan is not sound.
void ReadAnyScenario(const std::string& text);

}  // namespace trireme

#endif  // TRIREME_TESTS_FUZZ_SCENARIO_TARGET_H_
