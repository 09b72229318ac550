#include "harness/engine/started_program.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr size_t kArgumentsLimit = 4 << 20;

// The texts of a file of /proc that ends each with a zero.
std::vector<std::string> ZeroEnded(const std::string& path) {
  const Result<std::string> text = ReadFile(path, kArgumentsLimit);
  if (!text.ok() || text->empty()) return {};
  std::string_view all = *text;
  if (all.back() == '\0') all.remove_suffix(1);
  return Split(all, '\0');
}

std::string LinkTarget(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  return ::readlink(path.c_str(), target.data(), target.size() - 1) > 0 ? target.data() : "";
}

}  // namespace

std::optional<StartedProgram> ReadStartedProgram(pid_t process) {
  const std::string folder = "/proc/" + std::to_string(process);
  StartedProgram program;
  program.request.argv = ZeroEnded(folder + "/cmdline");
  const std::string path = LinkTarget(folder + "/exe");
  if (program.request.argv.empty() || path.empty()) return std::nullopt;
  program.request.argv[0] = path;
  program.request.environment = ZeroEnded(folder + "/environ");
  program.request.directory = LinkTarget(folder + "/cwd");
  program.output = UniqueFd(::open((folder + "/fd/1").c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK));
  return program;
}

}  // namespace trireme
