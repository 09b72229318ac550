#include <sched.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/capabilities.h"

namespace trireme {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;
constexpr int64_t kEnoughMemory = 1024 * kMebibyte;
constexpr int64_t kEnoughDisk = 1024 * kMebibyte;
constexpr rlim_t kEnoughFiles = 1024;
constexpr rlim_t kEnoughProcesses = 512;

std::string Count(rlim_t value) {
  return value == RLIM_INFINITY ? "unlimited" : std::to_string(value);
}
std::string Mebibytes(int64_t bytes) { return std::to_string(bytes / kMebibyte) + " MiB"; }

Limit ReadResource(const char* name, __rlimit_resource resource, rlim_t enough,
                   const char* option) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  return {.name = name,
          .value = Count(limit.rlim_cur) + ", at most " + Count(limit.rlim_max),
          .enough = limit.rlim_cur >= enough,
          .fix = std::string("ulimit ") + option + " " + std::to_string(enough)};
}

Limit ReadCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int usable = ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  return {
      .name = "cores",
      .value = std::to_string(usable) + " of " + std::to_string(::sysconf(_SC_NPROCESSORS_CONF)),
      .enough = usable >= 2,
      .fix = "native threads run in parallel on two cores or more only"};
}

// A number of bytes in a file, or nothing ("max", or no such file).
std::optional<int64_t> ReadBytes(const std::string& path) {
  const auto text = ReadFile(path, 64);
  return text.ok() ? ParseBytes(Trim(*text)) : std::nullopt;
}

int64_t AvailableMemory() {
  const auto text = ReadFile("/proc/meminfo", 65536);
  if (!text.ok()) return 0;
  for (const std::string& line : Split(*text, '\n'))
    if (line.starts_with("MemAvailable:")) return std::atoll(line.c_str() + 13) * 1024;
  return 0;
}

Limit ReadMemory() {
  int64_t available = AvailableMemory();
  const auto most = ReadBytes("/sys/fs/cgroup/memory.max");
  const auto used = ReadBytes("/sys/fs/cgroup/memory.current");
  if (most && used) available = std::min(available, *most - *used);
  return {.name = "memory",
          .value = Mebibytes(available) + " available",
          .enough = available >= kEnoughMemory,
          .fix = "end other programs, or run with --jobs 1"};
}

Limit ReadDisk(const char* name, std::string folder) {
  if (folder.empty())
    return {.name = name,
            .value = "no place: the user has no home",
            .enough = false,
            .fix = "set TRIREME_HOME to a folder of your own"};
  while (!IsDirectory(folder) && folder.size() > 1) folder = DirName(folder);
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0)
    return {.name = name,
            .value = "cannot be read",
            .enough = false,
            .fix = "make " + folder + " readable"};
  const int64_t bytes = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  const bool writable = ::access(folder.c_str(), W_OK) == 0;
  return {.name = name,
          .value = Mebibytes(bytes) + " free in " + folder + (writable ? "" : ", not writable"),
          .enough = bytes >= kEnoughDisk && writable,
          .fix = std::string(name) == "disk-data" ? "TRIREME_HOME names another place"
                                                  : "--out names another place"};
}

}  // namespace

std::vector<Limit> ReadLimits(const std::string& data, const std::string& output) {
  std::vector<Limit> limits = {ReadResource("nofile", RLIMIT_NOFILE, kEnoughFiles, "-n"),
                               ReadResource("processes", RLIMIT_NPROC, kEnoughProcesses, "-u"),
                               ReadCores(),
                               ReadMemory(),
                               ReadDisk("disk-data", data),
                               ReadDisk("disk-output", output)};
  for (Limit& limit : limits)
    if (limit.enough) limit.fix.clear();
  return limits;
}

}  // namespace trireme
