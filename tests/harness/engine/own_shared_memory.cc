#include "tests/harness/engine/own_shared_memory.h"

#include <sched.h>
#include <sys/mount.h>

#include "harness/base/file.h"

namespace trireme {
namespace {

constexpr const char* kSharedMemory = "/dev/shm";

bool separated = false;

bool MountOwnSharedMemory() {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("trireme", kSharedMemory, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0;
}

}  // namespace

void SeparateSharedMemory() {
  if (!separated) separated = MountOwnSharedMemory();
}

std::vector<std::string> LeftInSharedMemory() {
  return separated ? ListDirectory(kSharedMemory) : std::vector<std::string>();
}

}  // namespace trireme
