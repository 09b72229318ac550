#include "harness/engine/control_pipes.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "harness/base/file.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

// The process that `file`, in the folder of `base`, is a pipe of; nothing where it is none.
std::optional<pid_t> OwnerOf(std::string_view file, const std::string& base) {
  if (!file.starts_with(base + "-")) return std::nullopt;
  file.remove_prefix(base.size() + 1);
  for (const std::string_view suffix : {".in", ".out"}) {
    if (!file.ends_with(suffix)) continue;
    const std::optional<uint64_t> pid = ParseUnsigned(file.substr(0, file.size() - suffix.size()));
    if (!pid || *pid == 0 || *pid > std::numeric_limits<pid_t>::max()) return std::nullopt;
    return static_cast<pid_t>(*pid);
  }
  return std::nullopt;
}

bool IsPipe(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

bool IsGone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

}  // namespace

void RemoveControlPipesOfTheDead(const std::string& name) {
  const size_t slash = name.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : name.substr(0, slash + 1);
  const std::string base = slash == std::string::npos ? name : name.substr(slash + 1);
  for (const std::string& file : ListDirectory(folder)) {
    const std::optional<pid_t> owner = OwnerOf(file, base);
    const std::string path = JoinPath(folder, file);
    if (owner && IsGone(*owner) && IsPipe(path)) ::unlink(path.c_str());
  }
}

void RemoveControlPipesOfTheDead() {
  const char* name =
      std::getenv("FIU_CTRL_FIFO");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  if (name != nullptr && *name != '\0') RemoveControlPipesOfTheDead(std::string(name));
}

}  // namespace trireme
