#ifndef TRIREME_HARNESS_ENGINE_FAULT_TARGETS_H_
#define TRIREME_HARNESS_ENGINE_FAULT_TARGETS_H_

#include <string>
#include <vector>

#include "harness/base/unique_fd.h"
#include "harness/engine/harness_fault.h"

namespace trireme {

// A process that cannot be mistaken for a later one of the same number.
struct FaultTarget {
  pid_t pid = 0;
  pid_t parent = 0;
  UniqueFd pidfd;
  std::string command;
  bool own = false;  // the workload's
};

// The processes of the trial that `target` of a process fault means now: `runner`, the workload's own; `worker`, the oldest of
// its children; `server`, those that listen; else those whose name the glob matches. Never one that is not below it. Where a
// command is the workload, its own process is the program, and the one that waits for that is never meant. What Python's
// multiprocessing starts for itself is neither worker nor server.
std::vector<FaultTarget> FindTargets(const FaultSubject& subject, const std::string& target);

// It and all below it.
std::vector<pid_t> ProcessesOf(const FaultSubject& subject);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_FAULT_TARGETS_H_
