#include "harness/engine/fault_targets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reads.Reset(ends[0]);
    writes.Reset(ends[1]);
  }
  UniqueFd reads, writes;
};

// Starts a child that waits for `go` and becomes `sleep`.
[[noreturn]] void StartWorker(bool shares_memory, const Pipe& there, const Pipe& go) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): what it does is what is tested
  const pid_t worker = shares_memory ? ::vfork() : ::fork();
  if (worker == 0) {
    char byte = 'x';
    (void)!::write(there.writes.get(), &byte, 1);
    (void)!::read(go.reads.get(), &byte, 1);
    ::execl("/bin/sleep", "sleep", "600", nullptr);
    ::_exit(127);
  }
  ::waitpid(worker, nullptr, 0);
  ::_exit(0);
}

// Once before and once after the worker has become a program: before, as many are found as given.
void ExpectWorkers(bool shares_memory, size_t before) {
  Pipe there, go;
  const pid_t program = ::fork();
  if (program == 0) StartWorker(shares_memory, there, go);
  char byte = 0;
  ASSERT_EQ(::read(there.reads.get(), &byte, 1), 1);
  const FaultSubject subject{.process = program};
  EXPECT_EQ(FindTargets(subject, "worker").size(), before);
  ASSERT_EQ(::write(go.writes.get(), &byte, 1), 1);
  std::vector<FaultTarget> workers = FindTargets(subject, "worker");
  while (workers.empty() || workers[0].command.find("sleep") == std::string::npos) {
    std::this_thread::yield();
    workers = FindTargets(subject, "worker");
  }
  EXPECT_EQ(workers.size(), 1U);
  ::kill(workers[0].pid, SIGKILL);
  EXPECT_EQ(::waitpid(program, nullptr, 0), program);
}

// What a signal does to a child of vfork that has not become a program is done to its parent as well.
TEST(FindTargetsTest, WaitsForAChildThatSharesItsParentsMemory) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan's own vfork() is a fork()";
  ExpectWorkers(/*shares_memory=*/true, 0);
}

TEST(FindTargetsTest, TakesAForkAtOnce) { ExpectWorkers(/*shares_memory=*/false, 1); }

}  // namespace
}  // namespace trireme
