#include "harness/base/subprocess.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "harness/base/file.h"

namespace trireme {
namespace {

// What ended `pid`, which this process adopts once the processes between them are gone, as their
// other children; waits for it.
int SignalThatEnded(pid_t pid) {
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended == pid) return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (ended < 0) return -1;
  }
}

class SubprocessTest : public testing::Test {
 protected:
  SubprocessTest() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~SubprocessTest() override { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

  TemporaryDirectory folder_;
};

TEST_F(SubprocessTest, EndsWhatACommandLeavesBehind) {
  const Result<CommandOutcome> ran =
      RunCommand({"/bin/sh", "-c", "sleep 1000 > /dev/null 2>&1 & echo $!"});
  ASSERT_TRUE(ran.ok());
  EXPECT_EQ(ran->exit_code, 0);
  EXPECT_EQ(SignalThatEnded(std::atoi(ran->out.c_str())), SIGKILL);
}

// As a compiler does, which its driver starts.
TEST_F(SubprocessTest, EndsWhatACommandStartedWhenWeAreKilled) {
  const std::string told = JoinPath(folder_.path(), "told");
  ASSERT_EQ(::mkfifo(told.c_str(), 0600), 0);
  const pid_t caller = ::fork();
  if (caller == 0) {
    (void)RunCommand({"/bin/sh", "-c", "sleep 1000 & echo $! > told; wait"},
                     {.directory = folder_.path()});
    ::_exit(0);
  }
  pid_t started = 0;
  std::ifstream(told) >> started;  // waits for it
  ASSERT_GT(started, 0);
  ::kill(caller, SIGKILL);
  // Of this one alone: what it started may have ended before it has.
  ASSERT_EQ(::waitpid(caller, nullptr, 0), caller);
  EXPECT_EQ(SignalThatEnded(started), SIGKILL);
}

}  // namespace
}  // namespace trireme
