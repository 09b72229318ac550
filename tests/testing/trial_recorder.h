#ifndef TRIREME_TESTS_TESTING_TRIAL_RECORDER_H_
#define TRIREME_TESTS_TESTING_TRIAL_RECORDER_H_

#include <cstdint>
#include <string>

#include "harness/base/json.h"

namespace trireme {

// The least of a runtime: records through the preloaded probe. Does nothing where that is missing.
void AttachRecorder(const std::string& history);
void RecordBegin(const Json& trial);
void RecordOperation(const std::string& name, int64_t value);  // begun and well ended
void RecordEnd();

}  // namespace trireme

#endif  // TRIREME_TESTS_TESTING_TRIAL_RECORDER_H_
