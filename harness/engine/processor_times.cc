#include "harness/engine/processor_times.h"

#include <sched.h>
#include <unistd.h>

#include <string>

#include "harness/base/file.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

// As the kernel orders them: user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of the first two.
constexpr size_t kIdleField = 3;
constexpr size_t kFields = 8;

// "0::/path" of cgroup v2, where each group above counts as well.
bool HasQuota() {
  const Result<std::string> groups = ReadFile("/proc/self/cgroup");
  for (const std::string& line : Split(groups.ok() ? *groups : "", '\n')) {
    if (!line.starts_with("0::/")) continue;
    for (std::string path = line.substr(3); !path.empty(); path.resize(path.rfind('/'))) {
      const Result<std::string> most = ReadFile("/sys/fs/cgroup" + path + "/cpu.max");
      if (most.ok() && !most->starts_with("max")) return true;
    }
  }
  const Result<std::string> most = ReadFile("/sys/fs/cgroup/cpu.max");
  const Result<std::string> quota = ReadFile("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");  // of v1
  return (most.ok() && !most->starts_with("max")) || (quota.ok() && !quota->starts_with("-1"));
}

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

bool MayUseAllProcessors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const bool known = ::sched_getaffinity(0, sizeof(allowed), &allowed) == 0;
  return known && CPU_COUNT(&allowed) >= ::sysconf(_SC_NPROCESSORS_ONLN) && !HasQuota();
}

std::optional<ProcessorTimes> ReadProcessorTimes() {
  const Result<std::string> stat = ReadFile("/proc/stat");
  return stat.ok() ? ParseProcessorTimes(*stat) : std::nullopt;
}

}  // namespace trireme
