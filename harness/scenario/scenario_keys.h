#ifndef TRIREME_HARNESS_SCENARIO_SCENARIO_KEYS_H_
#define TRIREME_HARNESS_SCENARIO_SCENARIO_KEYS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/scenario/field_reader.h"

namespace trireme {

// What scenario.yaml may say, shared by the parser and the published schema.

constexpr int64_t kScenarioVersion = 1;
constexpr Range kTrialCount = {1, 1'000'000};
constexpr Range kTrialTimeout = {1'000'000, 86'400'000'000'000};       // 1ms to 24h
constexpr Range kTrialMemory = {int64_t{16} << 20, int64_t{1} << 40};  // 16MiB to 1TiB
constexpr int64_t kMatrixCells = 10'000;

const std::vector<std::string>& ScenarioKeys();
const std::vector<std::string>& CompareRules();  // but {tolerance: x}
// What `compare` says of the bytes of connections, which are no observation.
inline constexpr const char* kWireKey = "wire";
const std::vector<std::string>& WireRules();

// Letters, digits, _ . and -, a letter or _ first: what --param KEY=VALUE can name.
bool IsParamName(const std::string& name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_SCENARIO_KEYS_H_
