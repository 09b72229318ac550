#ifndef TRIREME_HARNESS_ENGINE_PROCESSOR_TIMES_H_
#define TRIREME_HARNESS_ENGINE_PROCESSOR_TIMES_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace trireme {

// What the processors of this machine have done since it started, in clock ticks of all of them together.
struct ProcessorTimes {
  uint64_t idle = 0;
  uint64_t total = 0;
};

// None where `stat`, the text of /proc/stat, does not begin with them.
std::optional<ProcessorTimes> ParseProcessorTimes(std::string_view stat);
std::optional<ProcessorTimes> ReadProcessorTimes();
// Whether what is idle is there for this process: it is held to no part of the processors, nor of their time by a control group.
bool MayUseAllProcessors();

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_PROCESSOR_TIMES_H_
