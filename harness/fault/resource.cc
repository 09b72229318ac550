#include "harness/fault/resource.h"

#include "harness/base/strings.h"
#include "harness/fault/class_table.h"

namespace trireme {
namespace {

// More would keep the harness from its own deadlines.
constexpr uint64_t kMostSpinners = 64;
// PID_MAX_LIMIT of 64 bits: a system has no more, and a cgroup takes no greater limit.
constexpr uint64_t kMostThreads = uint64_t{1} << 22;
// Less than that no thread starts with, and an interpreter not at all.
constexpr uint64_t kLeastStack = 64 << 10;

// What a kernel maps or stores at the least: less is a number without its unit. The same for a whole address space.
constexpr uint64_t kLeastMemory = 64 << 10;
constexpr uint64_t kLeastDisk = 4 << 10;

// The standard streams; with less, not even poll(2) takes what a process has.
constexpr uint64_t kLeastDescriptors = 3;

std::optional<uint64_t> Limit(const Fault& fault, const char* name) {
  const Json& value = GetMember(fault.members, name);
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<uint64_t>();
}

Status CheckLimits(const Fault& fault, const ResourceFault& read) {
  const bool any =
      read.nofile || read.memory || read.stack || read.threads || read.disk || read.cpu;
  if (!any)
    return FaultError(fault, "it limits nothing",
                      "one or several of nofile, memory, stack, threads, disk, cpu");
  if (read.duration && *read.duration == 0)
    return FaultKeyError(fault, "for", "a limit `for` no time is none", "`for` longer than 0s");
  if (read.nofile && *read.nofile < kLeastDescriptors)
    return FaultKeyError(fault, "nofile",
                         "nothing runs with " + std::to_string(*read.nofile) +
                             " descriptors: the standard streams are three",
                         "`nofile` is at least 3");
  if (read.threads && *read.threads == 0)
    return FaultKeyError(fault, "threads",
                         "the trial's own process has a thread: `threads` is at least 1");
  if (read.threads && *read.threads >= kMostThreads)
    return FaultKeyError(fault, "threads",
                         "`threads: " + std::to_string(*read.threads) +
                             "` is no shortage: a system has at most " +
                             std::to_string(kMostThreads),
                         "some tens, most often");
  if (read.stack && *read.stack < kLeastStack)
    return FaultKeyError(fault, "stack",
                         "no thread starts with a stack of " + std::to_string(*read.stack) +
                             " bytes",
                         "`stack` is at least 64KiB");
  if (read.memory && *read.memory < kLeastMemory)
    return FaultKeyError(fault, "memory",
                         "no process runs with addresses of " + std::to_string(*read.memory) +
                             " bytes",
                         "`memory` is at least 64KiB, and most often some 512MiB");
  if (read.disk && *read.disk < kLeastDisk)
    return FaultKeyError(fault, "disk", "no disk holds " + std::to_string(*read.disk) + " bytes",
                         "`disk` is at least 4KiB, one page");
  if (read.cpu && (*read.cpu == 0 || *read.cpu > kMostSpinners))
    return FaultKeyError(fault, "cpu",
                         "`cpu` is how many threads compete for processors, from 1 to 64");
  return Done{};
}

}  // namespace

const FaultClass& ResourceFaultClass() {
  static const FaultClass resource = {
      .key = "resource",
      .summary =
          "descriptors, memory, stack, threads, disk or processor time run short for a while",
      .fields = {{"nofile", "count", "descriptors that a process may have"},
                 {"memory", "bytes", "addresses that a process may map"},
                 {"stack", "bytes",
                  "stack of first threads, and of all in programs that are started from then on"},
                 {"threads", "count", "threads and processes that the trial may have"},
                 {"disk", "bytes", "what its folder for temporary files holds"},
                 {"cpu", "count", "threads of the harness that compete with it for processors"},
                 {"after", "duration", "when: since the workload's first statement; default 0s"},
                 {"for", "duration", "how long; default: until the trial ends"}}};
  return resource;
}

Result<ResourceFault> ReadResourceFault(const Fault& fault) {
  ResourceFault read{.nofile = Limit(fault, "nofile"),
                     .memory = Limit(fault, "memory"),
                     .stack = Limit(fault, "stack"),
                     .threads = Limit(fault, "threads"),
                     .disk = Limit(fault, "disk"),
                     .cpu = Limit(fault, "cpu"),
                     .after = GetInt(fault.members, "after")};
  if (fault.members.contains("for")) read.duration = GetInt(fault.members, "for");
  TRIREME_RETURN_IF_ERROR(CheckLimits(fault, read));
  return read;
}

std::string WhyResourceFaultIsNotWatched(const Fault& fault) {
  return fault.members.contains("disk") ? "its temporary files are in a folder of its own choice"
                                        : "";
}

std::vector<std::string> CapabilitiesOf(const ResourceFault& fault) {
  std::vector<std::string> names;
  if (fault.threads) names.emplace_back("thread-limit");
  if (fault.disk) names.emplace_back("small-disk");
  return names;
}

Status CheckResourceFault(const Fault& fault) {
  TRIREME_RETURN_IF_ERROR(ReadResourceFault(fault));
  return Done{};
}

}  // namespace trireme
