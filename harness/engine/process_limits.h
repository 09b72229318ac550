#ifndef TRIREME_HARNESS_ENGINE_PROCESS_LIMITS_H_
#define TRIREME_HARNESS_ENGINE_PROCESS_LIMITS_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>

#include "harness/base/result.h"
#include "harness/engine/process_table.h"

namespace trireme {

// The soft limits of a trial's processes, as its faults lower them and give them back. However the faults overlap, the lowest of
// them holds; nobody gets more than they had, and what a program has set meanwhile stays. The hard limits stay as they are: not
// even root may raise those everywhere.
class ProcessLimits {
 public:
  // Of that process and all below it.
  explicit ProcessLimits(pid_t process) : process_(process) {}

  // An error where that process cannot be limited, or no process had more.
  Status Lower(__rlimit_resource resource, uint64_t limit);
  // REQUIRES: Lower() of the same. What was started meanwhile had the limit of whoever started it.
  void GiveBack(__rlimit_resource resource, uint64_t limit);

 private:
  struct Shortage {
    std::multiset<uint64_t> in_force;
    std::map<pid_t, rlim_t> before;
  };
  using Tree = std::map<pid_t, ProcessInfo>;

  Tree Living() const;
  // Its own where it was seen, else that of the nearest above it that was.
  static const rlim_t* BeforeOf(const Shortage& shortage, const Tree& tree, pid_t process);

  const pid_t process_;
  std::map<int, Shortage> shortages_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_PROCESS_LIMITS_H_
