#ifndef TRIREME_HARNESS_CLI_WATCHED_PROCESSES_H_
#define TRIREME_HARNESS_CLI_WATCHED_PROCESSES_H_

#include <cstdint>
#include <set>
#include <string>

namespace trireme {

// Whether a process is there and no zombie.
bool ProcessRuns(uint32_t process);

// The processes that run now and have the recording of this path in the environment that they were started with, or mapped: all
// that a watched program has left behind, whether they have said so in the recording yet or not, but for those that were
// started without the probe. By passes over /proc: neither atomic nor cheap, but none is missed because its parent ends
// while it begins.
std::set<uint32_t> ProcessesWithRecording(const std::string& recording);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCHED_PROCESSES_H_
