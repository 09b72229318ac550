#ifndef TRIREME_HARNESS_CHECK_RUNNING_TESTS_H_
#define TRIREME_HARNESS_CHECK_RUNNING_TESTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/check/trial_view.h"

namespace trireme {

// The tests of a command's suite that had begun and not ended at `time`, nanoseconds since the trial
// began, by their names: its pytest makes an operation of each. None where the workload is no command.
std::vector<std::string> RunningTests(const TrialView& view, int64_t time);

// "; not ended: a.py::test_one and 2 other tests", "" where none was running.
std::string RunningTestsInWords(const TrialView& view, int64_t time);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_RUNNING_TESTS_H_
