#include "harness/engine/small_disk.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>

#include "harness/base/file.h"

namespace trireme {
namespace {

// The exit status of a child that does that.
int StatusOf(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int Mount(const char* source, const std::string& target, const char* type, unsigned long flags) {
  return ::mount(source, target.c_str(), type, flags, nullptr) == 0 ? 0 : errno;
}

// A folder that is no mount, on a disk whose mounts all name spaces share; with a /proc and a /tmp.
int MakeRoot(const std::string& disk, const std::string& root) {
  if (SeparateMounts() != 0) return 1;  // the tests may be in a chroot themselves
  if (Mount("disk", disk, "tmpfs", 0) != 0 || Mount("none", disk, nullptr, MS_SHARED) != 0)
    return 2;
  for (const char* folder : {"", "/proc", "/tmp"})
    if (::mkdir((root + folder).c_str(), 0777) != 0) return 3;
  return Mount("/proc", root + "/proc", nullptr, MS_BIND | MS_REC) == 0 ? 0 : 4;
}

int MountApartInChroot(const std::string& root) {
  if (::chroot(root.c_str()) != 0 || ::chdir("/") != 0) return 10;
  if (!SmallDiskProblem().empty()) return 11;
  if (SeparateMounts() != 0) return 12;
  if (Mount("mine", "/tmp", "tmpfs", 0) != 0) return 13;
  return WriteFile("/tmp/mine", "").ok() && FileExists("/tmp/mine") ? 0 : 14;
}

TEST(SmallDiskTest, KeepsItsMountsToItselfInAChrootThatIsNoMount) {
  if (!SmallDiskProblem().empty()) GTEST_SKIP() << SmallDiskProblem();
  const TemporaryDirectory disk;
  const std::string root = disk.path() + "/root";
  EXPECT_EQ(StatusOf([&] {
              if (const int status = MakeRoot(disk.path(), root); status != 0) return status;
              if (const int status = StatusOf([&] { return MountApartInChroot(root); });
                  status != 0)
                return status;
              return FileExists(root + "/tmp/mine") ? 20 : 0;
            }),
            0);
}

// The disk itself, as a guardian in such a chroot has it.
int MountAndLimitInChroot(const std::string& root) {
  if (::chroot(root.c_str()) != 0 || ::chdir("/") != 0) return 10;
  std::array<int, 2> waiting{-1, -1};
  if (::pipe(waiting.data()) != 0) return 11;
  const pid_t guardian = ::fork();
  if (guardian == 0) {
    const char separated = SeparateMounts() == 0 ? 'y' : 'n';
    (void)!::write(waiting[1], &separated, 1);
    ::pause();
  }
  char separated = 'n';
  if (::read(waiting[0], &separated, 1) != 1 || separated != 'y') return 12;
  int status = 0;
  {
    const Result<SmallDisk> small = SmallDisk::Mount("/tmp/small", guardian);
    if (!small.ok() || !small->Limit(4096).ok()) status = 13;
    if (!FileExists(JoinPath("/proc/" + std::to_string(guardian) + "/root", "tmp/small/..")))
      status = 14;
  }
  ::kill(guardian, SIGKILL);
  ::waitpid(guardian, nullptr, 0);
  return status;
}

TEST(SmallDiskTest, IsWhereTheGuardianSeesItInAChroot) {
  if (!SmallDiskProblem().empty()) GTEST_SKIP() << SmallDiskProblem();
  const TemporaryDirectory disk;
  const std::string root = disk.path() + "/root";
  EXPECT_EQ(StatusOf([&] {
              const int status = MakeRoot(disk.path(), root);
              return status != 0 ? status : StatusOf([&] { return MountAndLimitInChroot(root); });
            }),
            0);
}

}  // namespace
}  // namespace trireme
