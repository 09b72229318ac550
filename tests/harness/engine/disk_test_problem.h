#ifndef TRIREME_TESTS_HARNESS_ENGINE_DISK_TEST_PROBLEM_H_
#define TRIREME_TESTS_HARNESS_ENGINE_DISK_TEST_PROBLEM_H_

#include <string>

#include "harness/engine/small_disk.h"
#include "tests/testing/sanitizers.h"

namespace trireme {

// Why no test can have a small disk here; "" when it can. setns(2) is for processes of one thread.
inline std::string DiskTestProblem() {
  return kThreadSanitizer ? "a process with a thread of ThreadSanitizer cannot enter other mounts"
                          : SmallDiskProblem();
}

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_ENGINE_DISK_TEST_PROBLEM_H_
