#ifndef TRIREME_HARNESS_CLI_WATCH_FAULT_PROCESS_H_
#define TRIREME_HARNESS_CLI_WATCH_FAULT_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "harness/base/result.h"
#include "harness/base/unique_fd.h"
#include "harness/engine/harness_events.h"
#include "harness/fault/fault.h"

namespace trireme {

// Signals a watched program's processes, and limits what they get, as a plan says. It is a process of its own, beside the
// program: when `trireme` ends, by SIGKILL too, it takes back what is not over and ends. One thread.
class WatchFaultProcess {
 public:
  // Forks. `events`: what it does goes to their journal. REQUIRES: a plan that CheckFaultPlan() takes; this process has one
  // thread.
  static Result<WatchFaultProcess> Start(const FaultPlan& plan, const std::string& recording,
                                         HarnessEvents* events);
  WatchFaultProcess(WatchFaultProcess&& other) noexcept;
  WatchFaultProcess& operator=(WatchFaultProcess&&) = delete;
  // End().
  ~WatchFaultProcess();

  // The times of the faults count from `begin` (CLOCK_MONOTONIC).
  void Begin(pid_t program, int64_t begin) const;
  // Its process, where that has ended though nobody told it to, once; else 0.
  pid_t Killed();
  // Takes back what is not over. When it returns, the journal is whole.
  void End();

 private:
  WatchFaultProcess(pid_t pid, UniqueFd orders) : pid_(pid), orders_(std::move(orders)) {}

  pid_t pid_ = 0;
  UniqueFd orders_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCH_FAULT_PROCESS_H_
