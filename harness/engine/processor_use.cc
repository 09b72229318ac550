#include "harness/engine/processor_use.h"

#include <time.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/engine/process_table.h"

namespace trireme {
namespace {

constexpr int64_t kShare = 50;

// Nanoseconds of all its threads, which /proc has in ticks; -1 where it is gone.
int64_t UsedBy(pid_t process) {
  clockid_t clock = 0;
  timespec used{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return -1;
  return used.tv_sec * kNanosecondsPerSecond + used.tv_nsec;
}

// What children used that were there for less than a look stands with whoever reaped them.
int64_t UsedByTree(pid_t root) {
  static const int64_t tick = kNanosecondsPerSecond / ::sysconf(_SC_CLK_TCK);
  int64_t sum = 0;
  for (const ProcessInfo& process : ReadTree(root)) {
    const int64_t used = UsedBy(process.pid);
    if (used < 0) return -1;
    sum += used + process.reaped_ticks * tick;
  }
  return sum;
}

}  // namespace

bool ProcessorUse::HardlyAny(pid_t root, int64_t now) {
  const int64_t used = UsedByTree(root);
  const int64_t before = std::exchange(used_, used);
  const int64_t since = now - std::exchange(time_, now);
  return used >= 0 && before >= 0 && used >= before && used - before < since / kShare;
}

}  // namespace trireme
