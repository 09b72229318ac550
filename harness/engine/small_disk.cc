#include "harness/engine/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/unique_fd.h"

namespace trireme {
namespace {

constexpr uint64_t kMostRoom = uint64_t{1} << 30;
constexpr unsigned long kDiskFlags = MS_NOSUID | MS_NODEV;

// Runs `body` in a child; it returns 0 or an errno, and so does this.
int InChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) ::_exit(body());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

std::string InProc(pid_t process, const char* name) {
  return "/proc/" + std::to_string(process) + "/" + name;
}
std::string MountsOf(pid_t process) { return InProc(process, "ns/mnt"); }

// Which name space that is, as text.
std::string LinkOf(const std::string& path) {
  std::array<char, 64> target{};
  return ::readlink(path.c_str(), target.data(), target.size() - 1) > 0 ? target.data() : "";
}

// The same, where `guardian` sees its mounts, and from its root: who enters a name space of mounts has
// that one's root, which is another where the guardian is in a chroot.
int AmongMountsOf(pid_t guardian, const std::function<int()>& body) {
  const std::string path = MountsOf(guardian);
  return InChild([&] {
    const UniqueFd root(::open(InProc(guardian, "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const UniqueFd space(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!root.valid() || !space.valid() || ::setns(space.get(), CLONE_NEWNS) != 0) return errno;
    if (::fchdir(root.get()) != 0 || ::chroot(".") != 0) return errno;
    return body();
  });
}

// Nothing that is mounted in this process's name space is seen in another, or the other way round.
int KeepMountsApart() {
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : errno;
}

// Pages that the files of a mounted disk fill, in bytes.
uint64_t UsedOn(const std::string& folder) {
  struct statfs disk {};
  if (::statfs(folder.c_str(), &disk) != 0) return 0;
  return static_cast<uint64_t>(disk.f_blocks - disk.f_bfree) * static_cast<uint64_t>(disk.f_bsize);
}

int MountDisk(const std::string& folder) {
  return ::mount("trireme", folder.c_str(), "tmpfs", kDiskFlags, "mode=1777") == 0 ? 0 : errno;
}

int ResizeDisk(const std::string& folder, const std::string& size) {
  const std::string options = "size=" + size;
  return ::mount("trireme", folder.c_str(), "tmpfs", MS_REMOUNT | kDiskFlags, options.c_str()) == 0
             ? 0
             : errno;
}

// A size of 0 would be none: a full disk has one page. One below what its files have is EINVAL, and they may grow between
// our look and the limit: then there is some room for that.
int LimitDisk(const std::string& folder, std::optional<uint64_t> bytes) {
  if (!bytes) return ResizeDisk(folder, "50%");
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  for (uint64_t room = 0;; room = std::max(page, 2 * room)) {
    const uint64_t size = std::max({*bytes, UsedOn(folder) + room, page});
    const int error = ResizeDisk(folder, std::to_string(size));
    if (error != EINVAL || room > kMostRoom) return error;
  }
}

Status AsStatus(const std::string& what, int error) {
  if (error != 0) return ErrnoError(what, error);
  return Done{};
}

}  // namespace

Result<SmallDisk> SmallDisk::Mount(const std::string& folder, pid_t guardian) {
  TRIREME_RETURN_IF_ERROR(MakeDirectories(folder));
  // Among our own mounts it would outlive us.
  const std::string theirs = LinkOf(MountsOf(guardian));
  if (theirs.empty() || theirs == LinkOf(MountsOf(::getpid())))
    return InfrastructureError("the guardian has no mounts of its own");
  const int error = AmongMountsOf(guardian, [&] { return MountDisk(folder); });
  TRIREME_RETURN_IF_ERROR(AsStatus("cannot mount a small disk at " + folder, error));
  return SmallDisk(folder, guardian);
}

SmallDisk::SmallDisk(SmallDisk&& other) noexcept
    : folder_(std::exchange(other.folder_, "")), guardian_(other.guardian_) {}

SmallDisk::~SmallDisk() {
  if (folder_.empty()) return;
  // A guardian that is gone took it along.
  AmongMountsOf(guardian_, [this] { return ::umount2(folder_.c_str(), MNT_DETACH); });
  ::rmdir(folder_.c_str());
}

Status SmallDisk::Limit(std::optional<uint64_t> bytes) const {
  const int error = AmongMountsOf(guardian_, [&] { return LimitDisk(folder_, bytes); });
  return AsStatus("cannot limit the small disk at " + folder_, error);
}

int SeparateMounts() {
  if (::unshare(CLONE_NEWNS) != 0) return errno;
  const int error = KeepMountsApart();
  if (error != EINVAL) return error;
  // In a chroot "/" may be any folder; the root of the name space is a mount.
  return InChild([] {
    const UniqueFd space(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    if (!space.valid() || ::setns(space.get(), CLONE_NEWNS) != 0) return errno;
    return KeepMountsApart();
  });
}

std::string SmallDiskProblem() {
  const int error = InChild([] {
    const int separated = SeparateMounts();
    return separated != 0 ? separated : MountDisk("/tmp");
  });
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread asks, before anything runs
  return error == 0 ? "" : std::string("a mount of a tmpfs: ") + std::strerror(error);
}

}  // namespace trireme
