#ifndef TRIREME_HARNESS_ENGINE_SMALL_DISK_H_
#define TRIREME_HARNESS_ENGINE_SMALL_DISK_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "harness/base/result.h"

namespace trireme {

// A folder whose files have a limited number of bytes: a file system in memory. It is mounted where the runners see it and
// nobody else, in the guardian's name space of mounts, and so is gone with the last of them, however that ends.
class SmallDisk {
 public:
  // At `folder`, which is made, without a limit but that of the machine. `guardian`: a process of that name space.
  static Result<SmallDisk> Mount(const std::string& folder, pid_t guardian);
  SmallDisk(SmallDisk&& other) noexcept;
  SmallDisk& operator=(SmallDisk&&) = delete;
  ~SmallDisk();

  // Not below what its files have already. Nothing: no limit.
  Status Limit(std::optional<uint64_t> bytes) const;

 private:
  SmallDisk(std::string folder, pid_t guardian) : folder_(std::move(folder)), guardian_(guardian) {}

  std::string folder_;
  pid_t guardian_;
};

// Makes a name space of mounts of its own for this process. 0, or an errno.
int SeparateMounts();

// Why this machine allows no such disk; "" when it does. Starts and ends a child.
std::string SmallDiskProblem();

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_SMALL_DISK_H_
