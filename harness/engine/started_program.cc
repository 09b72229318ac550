#include "harness/engine/started_program.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr size_t kStartLimit = 4 << 20;

// The texts of a file of /proc that ends each with a zero.
std::vector<std::string> ZeroEnded(const std::string& path) {
  const Result<std::string> text = ReadFile(path, kStartLimit);
  if (!text.ok() || text->empty()) return {};
  std::string_view all = *text;
  if (all.back() == '\0') all.remove_suffix(1);
  return Split(all, '\0');
}

std::string LinkTarget(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  return ::readlink(path.c_str(), target.data(), target.size() - 1) > 0 ? target.data() : "";
}

// The descriptor itself, with its place in a file: what was written before must not be written over.
UniqueFd CopyOf(int pidfd, int descriptor) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd, descriptor, 0)));
}

// What the kernel told a program as it began, random addresses among it.
std::string BeginningOf(pid_t process) {
  const Result<std::string> vector =
      ReadFile("/proc/" + std::to_string(process) + "/auxv", kStartLimit);
  return vector.ok() ? *vector : "";
}

}  // namespace

bool IsForkOf(pid_t process, pid_t parent) {
  const std::string beginning = BeginningOf(process);
  return !beginning.empty() && beginning == BeginningOf(parent);
}

std::optional<StartedProgram> ReadStartedProgram(pid_t process, int pidfd) {
  const std::string folder = "/proc/" + std::to_string(process);
  StartedProgram program;
  program.request.argv = ZeroEnded(folder + "/cmdline");
  const std::string path = LinkTarget(folder + "/exe");
  if (program.request.argv.empty() || path.empty()) return std::nullopt;
  // Beside its argv[0], by which it finds what belongs to it: Python its virtual environment, busybox its command.
  program.request.program = path;
  program.request.environment = ZeroEnded(folder + "/environ");
  program.request.directory = LinkTarget(folder + "/cwd");
  program.output = CopyOf(pidfd, STDOUT_FILENO);
  program.errors = CopyOf(pidfd, STDERR_FILENO);
  return program;
}

}  // namespace trireme
