#include "harness/engine/thread_group.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <utility>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/unique_fd.h"

namespace trireme {
namespace {

constexpr size_t kProcFileLimit = 1 << 20;

std::string TextOf(const std::string& path) {
  Result<std::string> text = ReadFile(path, kProcFileLimit);
  return text.ok() ? *std::move(text) : "";
}

bool HasWord(const std::string& text, const std::string& word, char separator) {
  const std::vector<std::string> words = Split(std::string(Trim(text)), separator);
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Where a hierarchy is mounted: of version 1 the one with the controller `pids`, or that of version 2.
std::string MountOf(bool version_1) {
  for (const std::string& line : Split(TextOf("/proc/self/mounts"), '\n')) {
    std::istringstream words(line);
    std::string device, place, type, options;
    words >> device >> place >> type >> options;
    if (version_1 && type == "cgroup" && HasWord(options, "pids", ',')) return place;
    if (!version_1 && type == "cgroup2") return place;
  }
  return "";
}

// The group of this process there, "/" for the root.
std::string GroupOfSelf(bool version_1) {
  for (const std::string& line : Split(TextOf("/proc/self/cgroup"), '\n')) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version_1 ? HasWord(controllers, "pids", ',') : line.starts_with("0::"))
      return line.substr(second + 1);
  }
  return "";
}

// The folder in which groups with a limit of threads can be made, or why there is none.
struct Hierarchy {
  std::string folder, problem;
};

Hierarchy FindHierarchy() {
  for (const bool version_1 : {true, false}) {
    const std::string mount = MountOf(version_1);
    const std::string group = GroupOfSelf(version_1);
    if (mount.empty() || group.empty()) continue;
    const std::string folder = group == "/" ? mount : mount + group;
    // Of version 2 only what was delegated is ours to use: to change that would change others' groups.
    if (!version_1 && !HasWord(TextOf(JoinPath(folder, "cgroup.subtree_control")), "pids", ' '))
      return {"", "the controller 'pids' is not delegated to " + folder};
    if (::access(folder.c_str(), W_OK) != 0) return {"", folder + " is not ours to write"};
    return {folder, ""};
  }
  return {"", "no control groups with the controller 'pids' are mounted"};
}

std::string FolderOf(const std::string& hierarchy, pid_t harness) {
  return JoinPath(hierarchy, "trireme-" + std::to_string(harness));
}

Status MakeGroup(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return ErrnoError("cannot make the control group " + path, errno);
  return Done{};
}

// These files take a whole write(2).
Status WriteControl(const std::string& path, const std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.valid() &&
      ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
    return Done{};
  return ErrnoError("cannot write " + path, errno);
}

}  // namespace

Result<ThreadGroup> ThreadGroup::Make(const std::string& name) {
  const Hierarchy hierarchy = FindHierarchy();
  if (hierarchy.folder.empty()) return InfrastructureError(hierarchy.problem);
  const std::string ours = FolderOf(hierarchy.folder, ::getpid());
  TRIREME_RETURN_IF_ERROR(MakeGroup(ours));
  ThreadGroup group(JoinPath(ours, name));
  // Of version 2 each level passes its controllers on; version 1 has no such file.
  if (FileExists(JoinPath(ours, "cgroup.subtree_control")))
    TRIREME_RETURN_IF_ERROR(WriteControl(JoinPath(ours, "cgroup.subtree_control"), "+pids"));
  TRIREME_RETURN_IF_ERROR(MakeGroup(group.path_));
  return group;
}

ThreadGroup::ThreadGroup(ThreadGroup&& other) noexcept : path_(std::exchange(other.path_, "")) {}

ThreadGroup::~ThreadGroup() {
  if (path_.empty()) return;
  ::rmdir(path_.c_str());
  // Goes with the last one.
  ::rmdir(path_.substr(0, path_.rfind('/')).c_str());
}

Status ThreadGroup::Add(pid_t process) const {
  return WriteControl(JoinPath(path_, "cgroup.procs"), std::to_string(process));
}

Status ThreadGroup::Limit(std::optional<uint64_t> threads) const {
  return WriteControl(JoinPath(path_, "pids.max"), threads ? std::to_string(*threads) : "max");
}

std::string ThreadGroupProblem() {
  const Result<ThreadGroup> group = ThreadGroup::Make("try");
  if (!group.ok()) return group.error().message;
  const Status limited = group->Limit(std::nullopt);
  return limited.ok() ? "" : limited.error().message;
}

void LiftThreadLimits(pid_t harness) {
  const Hierarchy hierarchy = FindHierarchy();
  if (hierarchy.folder.empty()) return;
  const std::string ours = FolderOf(hierarchy.folder, harness);
  for (const std::string& name : ListDirectory(ours)) {
    const std::string limit = JoinPath(JoinPath(ours, name), "pids.max");
    if (FileExists(limit)) (void)WriteControl(limit, "max");
  }
}

void RemoveThreadGroups(pid_t harness) {
  const Hierarchy hierarchy = FindHierarchy();
  if (hierarchy.folder.empty()) return;
  const std::string ours = FolderOf(hierarchy.folder, harness);
  for (const std::string& name : ListDirectory(ours)) ::rmdir(JoinPath(ours, name).c_str());
  ::rmdir(ours.c_str());
}

}  // namespace trireme
