#include "harness/cli/watch_session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "harness/base/clock.h"
#include "harness/cli/console.h"
#include "harness/engine/control_pipes.h"

namespace trireme {
namespace {

constexpr int64_t kLookEvery = 250 * kNanosecondsPerMillisecond;
constexpr int64_t kPatience = 10 * kNanosecondsPerSecond;  // from SIGTERM to SIGKILL

sigset_t PassedSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGCHLD})
    ::sigaddset(&set, signal);
  return set;
}

void SetVariables(const std::vector<std::string>& changes) {
  for (const std::string& change : changes) {
    const size_t equals = change.find('=');
    ::setenv(change.substr(0, equals).c_str(), change.c_str() + equals + 1,
             1);  // NOLINT(concurrency-mt-unsafe): one thread
  }
}

[[noreturn]] void Become(const WatchedCommand& command, const sigset_t& mask, int failure) {
  SetVariables(command.environment);
  GiveSignalsBack();
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  std::vector<char*> words;
  for (const std::string& word : command.argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(command.program.c_str(), words.data());  // a file that is no program is a shell's script
  const int error = errno;
  (void)!::write(failure, &error, sizeof(error));
  ::_exit(127);
}

}  // namespace

WatchSession::WatchSession() {
  const sigset_t passed = PassedSignals();
  ::sigprocmask(SIG_BLOCK, &passed, &before_);
  signals_.Reset(::signalfd(-1, &passed, SFD_CLOEXEC | SFD_NONBLOCK));
}

WatchSession::~WatchSession() {
  // Who asks when the program has just ended asks too late, and ends nothing: there is still something to say.
  ::signal(SIGUSR1, SIG_IGN);
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

Result<pid_t> WatchSession::Start(const WatchedCommand& command) const {
  std::array<int, 2> failure{-1, -1};
  if (::pipe2(failure.data(), O_CLOEXEC) != 0)
    return ErrnoError("cannot start " + command.program, errno);
  const UniqueFd failure_read(failure[0]);
  UniqueFd failure_write(failure[1]);
  const pid_t child = ::fork();
  if (child < 0) return ErrnoError("cannot start " + command.program, errno);
  if (child == 0) Become(command, before_, failure_write.get());
  failure_write.Reset();
  int error = 0;
  if (::read(failure_read.get(), &error, sizeof(error)) != sizeof(error)) return child;
  ::waitpid(child, nullptr, 0);
  return ErrnoError("cannot start " + command.program, error);
}

// What came from the terminal it got itself.
void WatchSession::PassOn(pid_t child, const std::function<void()>& asked) {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGUSR1)
      asked();
    else if (signal != SIGCHLD && info.ssi_code != SI_KERNEL)
      ::kill(child, signal);
  }
}

// False when it has ended.
bool WatchSession::Await(pid_t child, int64_t until, const std::function<void()>& asked) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == child)
    return false;
  pollfd polled{.fd = signals_.get(), .events = POLLIN, .revents = 0};
  const int64_t left = std::max<int64_t>(until - SystemClock().Now(), 0);
  ::poll(&polled, 1, static_cast<int>(left / kNanosecondsPerMillisecond) + 1);
  PassOn(child, asked);
  return true;
}

Result<WatchedEnd> WatchSession::Run(const WatchedCommand& command, const WatchHooks& hooks) {
  TRIREME_ASSIGN_OR_RETURN(const pid_t child, Start(command));
  hooks.started(child);
  int64_t limit = command.limit == 0 ? INT64_MAX : SystemClock().Now() + command.limit;
  WatchedEnd end{.process = child};
  for (int64_t next = 0; Await(child, std::min(next, limit), hooks.asked);) {
    const int64_t now = SystemClock().Now();
    if (now >= limit) {
      ::kill(child, end.ended_by_us ? SIGKILL : SIGTERM);
      end.ended_by_us = true;
      limit = now + kPatience;
    }
    if (now < next) continue;
    hooks.look();
    next = SystemClock().Now() + kLookEvery;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  RemoveControlPipesOfTheDead();
  end.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (end.ended_by_us && WIFSIGNALED(status)) end.status = 0;
  return end;
}

}  // namespace trireme
