#ifndef TRIREME_TESTS_BENCH_RECORDING_FILE_H_
#define TRIREME_TESTS_BENCH_RECORDING_FILE_H_

#include <string>

namespace trireme {

// Makes the recording that a runtime's process attaches to. A file of its own, because the harness's history and the
// workload API both have an Event and an Operation.
void MakeRecording(const std::string& path, bool recording);

}  // namespace trireme

#endif  // TRIREME_TESTS_BENCH_RECORDING_FILE_H_
