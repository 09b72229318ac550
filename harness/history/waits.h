#ifndef TRIREME_HARNESS_HISTORY_WAITS_H_
#define TRIREME_HARNESS_HISTORY_WAITS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace trireme {

// Somebody who waits for a kernel object at this moment.
struct WaitNow {
  uint64_t inode = 0;
  bool writes = false;
  uint32_t process = 0, thread = 0, task = 0;  // task 0: the thread itself
  int fd = -1;
};

// Who waits for what, as far as the probe follows it, in the recording at `path` while it is written.
Result<std::vector<WaitNow>> ReadWaits(const std::string& path);

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_WAITS_H_
