#ifndef TRIREME_HARNESS_CLI_PROCESS_SAMPLE_H_
#define TRIREME_HARNESS_CLI_PROCESS_SAMPLE_H_

#include <string>
#include <tuple>
#include <vector>

#include "harness/base/result.h"

namespace trireme {

// Two that were seen to wait to read one object at the same moment.
struct SampledMeeting {
  std::string object;  // "socket:[1234]"
  std::string first;   // "thread 12 in descriptor 5", "epoll set 3"
  std::string second;

  // The same two, whenever they were seen.
  bool operator<(const SampledMeeting& other) const {
    return std::tie(object, first, second) < std::tie(other.object, other.first, other.second);
  }
};

// One look at a process that runs without the probe, by what /proc shows: threads that sleep in a call that reads the
// same socket or pipe, and descriptors that two epoll sets hold level-triggered for reading. `root` is /proc.
// kInfrastructure when there is no such process, it has ended, or we may not look.
Result<std::vector<SampledMeeting>> SampleProcess(int process, const std::string& root = "/proc");

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_PROCESS_SAMPLE_H_
