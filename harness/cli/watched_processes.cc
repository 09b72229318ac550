#include "harness/cli/watched_processes.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/result.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

// A program that forks as fast as we look is not to keep us for ever.
constexpr int kMostPasses = 16;

std::string ProcFile(uint32_t process, const char* file) {
  return "/proc/" + std::to_string(process) + "/" + file;
}

bool FileHas(const std::string& path, const std::string& text) {
  const Result<std::string> content = ReadFile(path);
  return content.ok() && content->find(text) != std::string::npos;
}

// The second for who wrote over its environment, as servers do that change their title.
bool HasRecording(uint32_t process, const std::string& recording) {
  return FileHas(ProcFile(process, "environ"), "TRIREME_HISTORY=" + recording + '\0') ||
         FileHas(ProcFile(process, "maps"), recording);
}

std::set<uint32_t> PassOverProcesses(const std::string& recording) {
  std::set<uint32_t> found;
  for (const std::string& name : ListDirectory("/proc")) {
    const std::optional<uint64_t> process = ParseUnsigned(name);
    if (process && HasRecording(static_cast<uint32_t>(*process), recording))
      found.insert(static_cast<uint32_t>(*process));
  }
  return found;
}

}  // namespace

bool ProcessRuns(uint32_t process) {
  const Result<std::string> stat = ReadFile(ProcFile(process, "stat"));
  const size_t name_end = stat.ok() ? stat->rfind(") ") : std::string::npos;
  return name_end != std::string::npos && (*stat)[name_end + 2] != 'Z';
}

// One that ends meanwhile may have left another behind, of a number that the pass was beyond already: so until two passes
// find the same.
std::set<uint32_t> ProcessesWithRecording(const std::string& recording) {
  std::set<uint32_t> found = PassOverProcesses(recording);
  for (int pass = 1; pass < kMostPasses; ++pass) {
    std::set<uint32_t> again = PassOverProcesses(recording);
    const bool same = again == found && std::all_of(again.begin(), again.end(), ProcessRuns);
    found = std::move(again);
    if (same) break;
  }
  return found;
}

}  // namespace trireme
