#include "harness/engine/compile_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "harness/base/file.h"

namespace trireme {
namespace {

constexpr std::string_view kPrefix = "compile.";

UniqueFd OpenCompileFolder(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Between a folder's making and its lock another may take it for one that was left.
bool WasRemoved(const UniqueFd& folder) {
  struct stat status {};
  return ::fstat(folder.get(), &status) != 0 || status.st_nlink == 0;
}

// Where the file system knows no locks nothing is removed.
void RemoveWhatKilledCompilesLeft(const std::string& parent) {
  for (const std::string& name : ListDirectory(parent)) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string path = JoinPath(parent, name);
    const UniqueFd folder = OpenCompileFolder(path);
    if (folder.valid() && ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) (void)RemoveTree(path);
  }
}

}  // namespace

Result<CompileFolder> CompileFolder::Make(const std::string& parent) {
  RemoveWhatKilledCompilesLeft(parent);
  for (;;) {
    std::string path = JoinPath(parent, std::string(kPrefix) + "XXXXXX");
    if (::mkdtemp(path.data()) == nullptr)
      return ErrnoError("cannot make a folder in " + parent, errno);
    UniqueFd lock = OpenCompileFolder(path);
    if (!lock.valid()) {
      if (errno == ENOENT) continue;
      return ErrnoError("cannot open " + path, errno);
    }
    while (::flock(lock.get(), LOCK_EX) != 0 && errno == EINTR) continue;
    if (!WasRemoved(lock)) return CompileFolder(std::move(path), std::move(lock));
  }
}

CompileFolder::~CompileFolder() {
  if (!path_.empty()) (void)RemoveTree(path_);
}

}  // namespace trireme
