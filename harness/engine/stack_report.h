#ifndef TRIREME_HARNESS_ENGINE_STACK_REPORT_H_
#define TRIREME_HARNESS_ENGINE_STACK_REPORT_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace trireme {

// On this signal a trial's process writes its stacks (PROTOCOL.md); the C library's SIGRTMIN + 12.
inline constexpr int kStacksSignal = 34 + 12;
inline constexpr const char* kEndOfStacks = "== end of stacks\n";

// One line a thread: number, name, state, and what it waits for in the kernel where that may be
// read.
std::string DescribeThreads(pid_t pid);

// One line a task that had not ended: path, name and its last event, from a recording that may
// still be written.
std::string DescribeTasks(const std::string& recording);

// What stacks.txt says of a trial that hung.
struct StackReport {
  std::string heading;
  std::string by_runtime;  // without the closing line
  std::string threads;
  std::string by_debugger;
  std::string tasks;
  std::vector<std::string> missing;  // what could not be had, and why

  std::string Render() const;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_STACK_REPORT_H_
