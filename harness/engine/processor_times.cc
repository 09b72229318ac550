#include "harness/engine/processor_times.h"

#include <string>

#include "harness/base/file.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

// As the kernel orders them: user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of the first two.
constexpr size_t kIdleField = 3;
constexpr size_t kFields = 8;

}  // namespace

std::optional<ProcessorTimes> ParseProcessorTimes(std::string_view stat) {
  constexpr std::string_view kAllProcessors = "cpu ";
  if (!stat.starts_with(kAllProcessors)) return std::nullopt;
  const std::string line(stat.substr(kAllProcessors.size(), stat.find('\n') - kAllProcessors.size()));
  ProcessorTimes times;
  size_t field = 0;
  for (const std::string& word : Split(line, ' ')) {
    if (word.empty()) continue;
    const std::optional<uint64_t> ticks = ParseUnsigned(word);
    if (!ticks) return std::nullopt;
    if (field == kIdleField) times.idle = *ticks;
    times.total += *ticks;
    if (++field == kFields) return times;
  }
  return std::nullopt;
}

std::optional<ProcessorTimes> ReadProcessorTimes() {
  const Result<std::string> stat = ReadFile("/proc/stat");
  return stat.ok() ? ParseProcessorTimes(*stat) : std::nullopt;
}

}  // namespace trireme
