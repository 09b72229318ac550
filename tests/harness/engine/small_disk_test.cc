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
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "harness/base/file.h"
#include "tests/harness/engine/disk_test_problem.h"

namespace trireme {
namespace {

// The exit status of a child that does that.
int StatusOf(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A child cannot fail a test: what went wrong goes into its output.
int Told(int status, const std::string& what) {
  std::fprintf(stderr, "%d: %s\n", status, what.c_str());
  return status;
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
  if (const std::string problem = SmallDiskProblem(); !problem.empty()) return Told(11, problem);
  if (const int error = SeparateMounts(); error != 0) return Told(12, std::strerror(error));
  if (Mount("mine", "/tmp", "tmpfs", 0) != 0) return 13;
  return WriteFile("/tmp/mine", "").ok() && FileExists("/tmp/mine") ? 0 : 14;
}

TEST(SmallDiskTest, KeepsItsMountsToItselfInAChrootThatIsNoMount) {
  if (!DiskTestProblem().empty()) GTEST_SKIP() << DiskTestProblem();
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

// A process that has its own mounts, as a guardian has.
class ProcessWithMounts {
 public:
  ProcessWithMounts() {
    std::array<int, 2> ready{-1, -1};
    if (::pipe(ready.data()) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      const int error = SeparateMounts();
      (void)!::write(ready[1], &error, sizeof error);
      ::pause();
    }
    ::close(ready[1]);
    if (::read(ready[0], &problem_, sizeof problem_) != sizeof problem_) problem_ = EPIPE;
    ::close(ready[0]);
  }
  ~ProcessWithMounts() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ProcessWithMounts(const ProcessWithMounts&) = delete;
  ProcessWithMounts& operator=(const ProcessWithMounts&) = delete;

  pid_t pid() const { return pid_; }
  int problem() const { return problem_; }  // the errno of what kept it from having them, or 0

 private:
  pid_t pid_ = -1;
  int problem_ = EAGAIN;
};

// The disk itself, as a guardian in such a chroot has it.
int MountAndLimitInChroot(const std::string& root) {
  if (::chroot(root.c_str()) != 0 || ::chdir("/") != 0) return 10;
  const ProcessWithMounts guardian;
  if (guardian.problem() != 0) return Told(11, std::strerror(guardian.problem()));
  const Result<SmallDisk> small = SmallDisk::Mount("/tmp/small", guardian.pid());
  if (!small.ok()) return Told(12, small.error().message);
  if (const Status limited = small->Limit(4096); !limited.ok())
    return Told(13, limited.error().message);
  const std::string theirs = "/proc/" + std::to_string(guardian.pid()) + "/root";
  const std::string seen = JoinPath(theirs, "tmp/small");
  return FileExists(seen) ? 0 : Told(14, seen);
}

TEST(SmallDiskTest, IsWhereTheGuardianSeesItInAChroot) {
  if (!DiskTestProblem().empty()) GTEST_SKIP() << DiskTestProblem();
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
