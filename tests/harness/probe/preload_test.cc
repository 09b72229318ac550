#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsSubsetOf;

CommandOutcome MustRun(const std::vector<std::string>& argv,
                       const std::vector<std::string>& environment = {}) {
  Result<CommandOutcome> outcome = RunCommand(argv, {.environment = environment});
  EXPECT_TRUE(outcome.ok());
  return *std::move(outcome);
}

class PreloadTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(CreateRecording(path_, {}).ok()); }

  CommandOutcome RunPreloaded(const std::vector<std::string>& argv) const {
    return MustRun(argv, {"LD_PRELOAD=" TRIREME_PROBE, "TRIREME_HISTORY=" + path_});
  }
  void ExpectThatPreloadingChangesNothing(const std::vector<std::string>& argv,
                                          int exit_code = 0) const {
    if (FindProgram(argv[0]).empty()) GTEST_SKIP() << "no " << argv[0];
    const CommandOutcome plain = MustRun(argv);
    const CommandOutcome preloaded = RunPreloaded(argv);
    EXPECT_EQ(plain.exit_code, exit_code) << plain.err;
    EXPECT_EQ(preloaded.exit_code, exit_code);
    EXPECT_EQ(plain.out, preloaded.out);
    EXPECT_EQ(plain.err, preloaded.err);
    // Nothing but that processes are there, which read a pipe or socket.
    const Result<History> history = History::Read(path_);
    for (const Event& event : history->events()) EXPECT_EQ(event.kind, EventKind::kProcess);
  }

  // A server, which is started, asked once and stopped.
  void ExpectThatPreloadingChangesNothingIn(const std::string& server) const {
    std::string program = FindProgram(server);
    if (program.empty() && FileExists("/usr/sbin/" + server)) program = "/usr/sbin/" + server;
    if (program.empty())
      GTEST_SKIP() << "no " << server << ": 'ci/install-packages test' installs it";
    ExpectThatPreloadingChangesNothing({"python3", TRIREME_ASK_SERVER, program});
  }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
};

TEST_F(PreloadTest, ChangesNothingInBash) {
  ExpectThatPreloadingChangesNothing({"bash", "-c",
                                      "export A=1; f() { (echo sub; exit 3); }; f; echo $? | cat; "
                                      "ls /proc/self/fd; echo err >&2; exit 7"},
                                     7);
}

TEST_F(PreloadTest, ChangesNothingInGit) {
  ExpectThatPreloadingChangesNothing({"git", "help", "-a"});
}

TEST_F(PreloadTest, ChangesNothingInPython) {
  ExpectThatPreloadingChangesNothing(
      {"python3", "-c",
       "import os, subprocess, sys, threading\n"
       "threads = [threading.Thread(target=print, args=('t',)) for _ in range(3)]\n"
       "[(t.start(), t.join()) for t in threads]\n"
       "pid = os.fork()\n"
       "if pid == 0: os._exit(5)\n"
       "print(os.waitpid(pid, 0)[1], sorted(os.listdir('/proc/self/fd')), file=sys.stderr)\n"
       "print(subprocess.run(['echo', 'sub'], capture_output=True).stdout)\n"
       "sys.exit(9)\n"},
      9);
}

TEST_F(PreloadTest, ChangesNothingInInitialisersAndWhatRunsAfterMain) {
  ExpectThatPreloadingChangesNothing({TRIREME_INITIALISED_PROGRAM});
}

TEST_F(PreloadTest, ChangesNothingInNginx) { ExpectThatPreloadingChangesNothingIn("nginx"); }

TEST_F(PreloadTest, ChangesNothingInRedis) { ExpectThatPreloadingChangesNothingIn("redis-server"); }

TEST_F(PreloadTest, AttachesAtTheFirstEvent) {
  const CommandOutcome outcome = RunPreloaded({TRIREME_PRELOADED_PROGRAM, "a\"b\\\n", "", "c"});
  EXPECT_EQ(outcome.out, "probe\n");
  const Result<History> history = History::Read(path_);
  ASSERT_EQ(history->events().size(), 4u);
  EXPECT_EQ(history->events()[0].kind, EventKind::kProcess);
  const Json arguments = Json::array({TRIREME_PRELOADED_PROGRAM, "a\"b\\\n", "", "c"});
  EXPECT_EQ(GetMember(history->events()[0].Value(), "argv"), arguments);
  EXPECT_EQ(history->events()[1].key, "a\"b\\\n");
  EXPECT_EQ(history->events()[3].key, "c");
}

TEST_F(PreloadTest, AttachesWithoutADescriptorLeft) {
  RunPreloaded({TRIREME_PRELOADED_PROGRAM, "=files", "a", "b"});
  const Result<History> history = History::Read(path_);
  ASSERT_EQ(history->events().size(), 3u);
  EXPECT_EQ(history->events()[1].key, "a");
  EXPECT_EQ(history->lost(), 0u);
}

TEST_F(PreloadTest, AttachesWhereTheProgramMayMapNothingMore) {
  RunPreloaded({TRIREME_PRELOADED_PROGRAM, "=memory", "a", "b", "=all", "c"});
  const Result<History> history = History::Read(path_);
  ASSERT_EQ(history->events().size(), 4u);
  EXPECT_EQ(history->events()[0].kind, EventKind::kProcess);
  EXPECT_EQ(history->events()[1].key, "a");
  EXPECT_EQ(history->events()[3].key, "c");
  EXPECT_EQ(history->lost(), 0u);
}

TEST_F(PreloadTest, AttachesToNothingBeforeTheFirstEvent) {
  RunPreloaded({TRIREME_PRELOADED_PROGRAM});
  EXPECT_TRUE(History::Read(path_)->events().empty());
}

TEST_F(PreloadTest, DoesWithoutARecording) {
  ASSERT_TRUE(RemoveTree(path_).ok());
  const CommandOutcome outcome = RunPreloaded({TRIREME_PRELOADED_PROGRAM, "a"});
  EXPECT_EQ(outcome.out, "probe\n");
  EXPECT_EQ(outcome.exit_code, 0);
}

// The words of each line of `text` that contains `word`.
std::vector<std::string> WordsAfter(const std::string& text, const std::string& prefix) {
  std::vector<std::string> found;
  for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
    size_t end = at + prefix.size();
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '.'))
      ++end;
    found.push_back(text.substr(at + prefix.size(), end - at - prefix.size()));
  }
  return found;
}

TEST(ProbeLibraryTest, NeedsOnlyLibcAndLibdl) {
  const CommandOutcome outcome = MustRun({"readelf", "-dW", TRIREME_PROBE});
  EXPECT_THAT(WordsAfter(outcome.out, "Shared library: ["), ElementsAre("libc.so.6", "libdl.so.2"));
}

TEST(ProbeLibraryTest, NeedsNoSymbolNewerThanGlibc228) {
  const CommandOutcome outcome = MustRun({"objdump", "-T", TRIREME_PROBE});
  const std::vector<std::string> versions = WordsAfter(outcome.out, "(GLIBC_");
  EXPECT_FALSE(versions.empty());
  for (const std::string& version : versions) {
    const std::vector<std::string> parts = Split(version, '.');
    ASSERT_GE(parts.size(), 2u);
    EXPECT_EQ(parts[0], "2");
    EXPECT_LE(ParseUnsigned(parts[1]).value_or(999), 28u) << version;
  }
}

TEST(ProbeLibraryTest, ShowsItsTwoFunctionsAndWhatItInterposesOnly) {
  const CommandOutcome outcome = MustRun({"nm", "-D", "--defined-only", "-j", TRIREME_PROBE});
  EXPECT_THAT(
      Split(std::string(Trim(outcome.out)), '\n'),
      testing::UnorderedElementsAre(
          "trireme_probe", "trireme_probe_python", "_exit", "_Exit", "accept", "accept4", "bind",
          "clock_gettime", "clock_nanosleep", "close", "close_range", "closefrom", "connect",
          "creat", "creat64", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl",
          "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd_read", "eventfd_write",
          "execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe", "fclose", "fcntl",
          "fcntl64", "fdatasync", "fexecve", "fopen", "fopen64", "fork", "fsync", "getaddrinfo",
          "getsockopt", "gettimeofday", "madvise", "mmap", "mmap64", "mprotect", "mremap", "munmap",
          "nanosleep", "open", "open64", "openat", "openat64", "pipe", "pipe2", "pkey_mprotect",
          "prctl", "poll", "__poll_chk", "popen", "posix_spawn", "posix_spawnp", "ppoll",
          "__ppoll_chk", "pread", "pread64", "preadv", "preadv2", "preadv64", "preadv64v2",
          "prlimit", "prlimit64", "pselect", "pthread_clockjoin_np", "pthread_cond_clockwait",
          "pthread_cond_timedwait", "pthread_create", "pthread_mutex_clocklock",
          "pthread_mutex_timedlock", "pthread_rwlock_clockrdlock", "pthread_rwlock_clockwrlock",
          "pthread_rwlock_timedrdlock", "pthread_rwlock_timedwrlock", "pthread_timedjoin_np",
          "pwrite", "pwrite64", "pwritev", "pwritev2", "pwritev64", "pwritev64v2", "read",
          "__read_chk", "readv", "recv", "__recv_chk", "recvfrom", "__recvfrom_chk", "recvmmsg",
          "recvmsg", "select", "sem_clockwait", "sem_timedwait", "send", "sendfile", "sendfile64",
          "sendmmsg", "sendmsg", "sendto", "seteuid", "setresuid", "setreuid", "setrlimit",
          "setrlimit64", "setuid", "shutdown", "sleep", "socket", "socketpair", "splice", "syscall",
          "_IO_getc", "__fgets_chk", "__fgets_unlocked_chk", "__fread_chk", "__fread_unlocked_chk",
          "__getdelim", "__uflow", "__underflow", "fgetc", "fgetc_unlocked", "fgets",
          "fgets_unlocked", "fread", "fread_unlocked", "getc", "getc_unlocked", "getdelim",
          "getline", "getchar", "getchar_unlocked", "getw", "fgetwc", "fgetwc_unlocked", "getwc",
          "getwc_unlocked", "getwchar", "getwchar_unlocked", "fgetws", "fgetws_unlocked",
          "__fgetws_chk", "__fgetws_unlocked_chk", "scanf", "fscanf", "vscanf", "vfscanf", "wscanf",
          "fwscanf", "vwscanf", "vfwscanf", "__isoc99_scanf", "__isoc99_fscanf", "__isoc99_vscanf",
          "__isoc99_vfscanf", "__isoc99_wscanf", "__isoc99_fwscanf", "__isoc99_vwscanf",
          "__isoc99_vfwscanf", "__isoc23_scanf", "__isoc23_fscanf", "__isoc23_vscanf",
          "__isoc23_vfscanf", "__isoc23_wscanf", "__isoc23_fwscanf", "__isoc23_vwscanf",
          "__isoc23_vfwscanf", "system", "time", "timerfd_settime", "timespec_get", "usleep",
          "vfork", "write", "writev"));
}

}  // namespace
}  // namespace trireme
