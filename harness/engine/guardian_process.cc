#include "harness/engine/guardian_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/engine/process_table.h"
#include "harness/engine/small_disk.h"
#include "harness/engine/thread_group.h"

namespace trireme {
namespace {

constexpr int kRunnerControl = 3;
// Something that nobody may kill (a program that changed its user) must not keep the guardian for
// ever.
constexpr int64_t kEndPatience = 30 * kNanosecondsPerSecond;
constexpr size_t kOrphansTold = 100;
// Should memory run out, what is under test goes first.
constexpr const char* kOutOfMemoryScore = "500";

// Everything but `keep`, which becomes descriptor 3.
UniqueFd KeepOnly(const UniqueFd& keep) {
  constexpr int kKept = 3;
  // Both may stand where a standard descriptor belongs, if the harness was started without those.
  const int source = ::fcntl(keep.get(), F_DUPFD_CLOEXEC, kKept + 1);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {0, 1, 2}) ::dup2(null, standard);
  ::dup3(source, kKept, O_CLOEXEC);
  ::close_range(kKept + 1, ~0U, 0);
  return UniqueFd(kKept);
}

// What a terminal or a service manager sends is for the harness, whose end is our signal.
void IgnoreSignals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGUSR1, SIGUSR2})
    ::signal(signal, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
}

sigset_t SignalSet(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

// What a runner must not inherit from the guardian.
void ResetForExec(const rlimit& files) {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (std::FILE* score = std::fopen("/proc/self/oom_score_adj", "we"); score != nullptr) {
    (void)std::fputs(kOutOfMemoryScore, score);
    (void)std::fclose(score);
  }
}

void ApplyEnvironment(const std::vector<std::string>& changes) {
  for (const std::string& change : changes) {
    const size_t equals = change.find('=');
    if (equals == std::string::npos)
      ::unsetenv(change.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    else
      ::setenv(change.substr(0, equals).c_str(), change.c_str() + equals + 1, 1);  // NOLINT
  }
}

struct Launch {
  std::vector<std::string> argv;
  std::string program;
  std::vector<std::string> environment;
  std::string directory;
  int input = -1;
  int output = -1;
  int errors = -1;
  int failure = -1;  // gets the errno of an exec that failed
};

[[noreturn]] void BecomeProgram(Launch& launch, pid_t guardian, const rlimit& files) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != guardian) ::_exit(127);
  ::setsid();
  ResetForExec(files);
  ApplyEnvironment(launch.environment);
  std::vector<char*> words;
  for (std::string& word : launch.argv) words.push_back(word.data());
  words.push_back(nullptr);
  // Out of the way of the numbers that are about to be given out.
  const int failure = ::fcntl(launch.failure, F_DUPFD_CLOEXEC, 16);
  const int input = launch.input < 0 ? -1 : ::fcntl(launch.input, F_DUPFD_CLOEXEC, 16);
  const int errors = launch.errors < 0 ? -1 : ::fcntl(launch.errors, F_DUPFD_CLOEXEC, 16);
  if (launch.output >= 0)
    for (const int standard : {1, 2}) ::dup2(launch.output, standard);
  if (errors >= 0) ::dup2(errors, 2);
  ::close(kRunnerControl);
  if (input >= 0) ::dup2(input, kRunnerControl);
  if (launch.directory.empty() || ::chdir(launch.directory.c_str()) == 0)
    ::execv(launch.program.empty() ? words[0] : launch.program.c_str(), words.data());
  const int error = errno;
  (void)!::write(failure, &error, sizeof(error));
  ::_exit(127);
}

// The guardian is two processes, so that what is under test sets nothing free by killing the one
// that is its parent's parent: this is the other one. It also passes on what wakes a stopped one,
// from the harness or by its end.
[[noreturn]] void WatchOver(pid_t harness, pid_t worker, const sigset_t& awaited) {
  ::prctl(PR_SET_PDEATHSIG, SIGCONT);
  while (::waitpid(worker, nullptr, WNOHANG) == 0)
    if (::sigwaitinfo(&awaited, nullptr) == SIGCONT) ::kill(worker, SIGCONT);
  EndChildren(kEndPatience);
  RemoveThreadGroups(harness);
  ::_exit(0);
}

class GuardianProcess {
  using Commands = std::map<pid_t, std::string>;  // command lines by process

 public:
  GuardianProcess(Channel channel, const rlimit& files)
      : channel_(std::move(channel)), files_(files), self_(::getpid()) {
    const sigset_t set = SignalSet({SIGCHLD});
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    children_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  // Until the harness is gone.
  void Serve() {
    std::array<pollfd, 2> polled{{{channel_.fd(), POLLIN, 0}, {children_.get(), POLLIN, 0}}};
    while (true) {
      if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
      if (polled[1].revents != 0) Reap();
      if (polled[0].revents != 0 && !Obey()) return;
    }
  }

 private:
  // At most a millisecond.
  void AwaitChild() {
    pollfd polled = {.fd = children_.get(), .events = POLLIN, .revents = 0};
    ::poll(&polled, 1, 1);
    ForgetSignals();
  }

  void ForgetSignals() {
    signalfd_siginfo info{};
    while (::read(children_.get(), &info, sizeof(info)) > 0) {
    }
  }

  // False when the harness is gone.
  bool Obey() {
    Result<std::optional<Packet>> received = channel_.Receive();
    if (!received.ok() || !received->has_value()) return false;
    Packet& packet = **received;
    if (GetString(packet.message, "type") == "spawn") return Spawn(packet);
    const auto pid = static_cast<pid_t>(GetInt(packet.message, "pid"));
    if (started_.contains(pid)) EndRunner(pid);
    Reap();
    return true;
  }

  bool Spawn(const Packet& packet) {
    Launch launch{.argv = TextsOf(GetMember(packet.message, "argv")),
                  .program = GetString(packet.message, "program"),
                  .environment = TextsOf(GetMember(packet.message, "environment")),
                  .directory = GetString(packet.message, "directory")};
    size_t next = 0;
    if (GetBool(packet.message, "input")) launch.input = packet.descriptors[next++].get();
    if (GetBool(packet.message, "output")) launch.output = packet.descriptors[next++].get();
    if (GetBool(packet.message, "errors")) launch.errors = packet.descriptors[next++].get();
    pid_t pid = 0;
    const int error = Start(launch, pid);
    Json answer = {{"token", GetInt(packet.message, "token")}};
    answer["type"] = error == 0 ? "started" : "failed";
    answer["pid"] = pid;
    answer["errno"] = error;
    return channel_.Send(answer).ok();
  }

  // 0, or why it could not be started.
  int Start(Launch& launch, pid_t& pid) {
    std::array<int, 2> failure{-1, -1};
    if (::pipe2(failure.data(), O_CLOEXEC) != 0) return errno;
    const UniqueFd failure_read(failure[0]);
    UniqueFd failure_write(failure[1]);
    launch.failure = failure_write.get();
    pid = ::fork();
    if (pid < 0) return errno;
    if (pid == 0) BecomeProgram(launch, self_, files_);
    failure_write.Reset();
    int error = 0;
    if (::read(failure_read.get(), &error, sizeof(error)) != sizeof(error)) error = 0;
    if (error != 0)
      ::waitpid(pid, nullptr, 0);
    else
      started_.insert(pid);
    return error;
  }

  // A runner that dies closes its channel before its children are given to us: what is below it
  // must be noted here, for it may be dead when they are ours.
  void EndRunner(pid_t pid) {
    for (const ProcessInfo& process : DescendantsOf(pid, ReadProcessTable()))
      Note(process, ended_below_[pid]);
    KillTree(pid, true);
  }

  // Ends what dead runners left, then tells of those runners: whoever is told finds nothing of
  // them.
  void Reap() {
    ForgetSignals();
    std::vector<std::pair<pid_t, int>> exited;
    Commands orphans;
    const int64_t give_up = SystemClock().Now() + kEndPatience;
    while (SystemClock().Now() < give_up) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid < 0) break;
      if (pid > 0 && started_.erase(pid) > 0) exited.emplace_back(pid, status);
      if (pid > 0) continue;
      if (exited.empty() || !EndOrphans(orphans)) break;
      AwaitChild();
    }
    for (const auto& [pid, status] : exited) {
      Commands below = std::move(ended_below_[pid]);
      ended_below_.erase(pid);
      below.insert(orphans.begin(), orphans.end());
      Tell(pid, status, below);
    }
  }

  static void Note(const ProcessInfo& process, Commands& commands) {
    if (process.state != 'Z') commands.emplace(process.pid, CommandLineOf(process.pid));
  }

  void Tell(pid_t pid, int status, const Commands& orphans) {
    Json listed = Json::array();
    for (const auto& [orphan, command] : orphans)
      if (listed.size() < kOrphansTold) listed.push_back({{"pid", orphan}, {"command", command}});
    (void)channel_.Send(
        {{"type", "exited"}, {"pid", pid}, {"status", status}, {"orphans", listed}});
  }

  // True when there were any. A child that we did not start lost its runner.
  bool EndOrphans(Commands& orphans) {
    bool found = false;
    for (const ProcessInfo& process : ReadProcessTable()) {
      if (process.parent != self_ || started_.contains(process.pid)) continue;
      found = true;
      Note(process, orphans);
      KillTree(process.pid, true);
    }
    return found;
  }

  Channel channel_;
  const rlimit files_;
  const pid_t self_;
  UniqueFd children_;
  std::set<pid_t> started_;
  std::map<pid_t, Commands> ended_below_;  // by runner, until it is told of
};

}  // namespace

void RunGuardian(Channel channel, const GuardianOptions& options) {
  const pid_t harness = ::getppid();
  ::setsid();
  ::prctl(PR_SET_NAME, "trireme-guard");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  IgnoreSignals();
  // Where it does not succeed there is no SmallDisk, which looks at it.
  if (options.own_mounts) (void)SeparateMounts();
  UniqueFd socket = channel.TakeSocket();
  UniqueFd kept = KeepOnly(socket);
  (void)socket.Release();  // closed with all the others
  // Set before the fork, so that none is lost.
  const sigset_t awaited = SignalSet({SIGCHLD, SIGCONT});
  ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
  const pid_t worker = ::fork();
  if (worker != 0) {
    kept.Reset();
    WatchOver(harness, worker, awaited);
  }
  // A fork's child is no subreaper.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  GuardianProcess guardian(Channel(std::move(kept)), options.files);
  guardian.Serve();
  EndChildren(kEndPatience);
  ::_exit(0);
}

}  // namespace trireme
