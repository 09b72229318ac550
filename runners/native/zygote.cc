#include "runners/native/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/protocol/channel.h"
#include "runners/native/orphans.h"
#include "runners/native/stacks.h"
#include "runners/sdk/probe.h"

namespace trireme {
namespace {

constexpr int kTrialCannotStart = 127;

[[noreturn]] void FailTrial(const char* what) {
  std::fprintf(stderr, "trireme-runner: %s: %s\n", what, std::strerror(errno));
  ::_exit(kTrialCannotStart);
}

void MoveTo(int from, int to) {
  if (::dup2(from, to) < 0) FailTrial("cannot set up the trial's descriptors");
}

void SetMemoryLimit(int64_t bytes) {
  if (bytes <= 0) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0) FailTrial("cannot read the limit of memory");
  // Whoever started us may allow less.
  limit.rlim_cur = limit.rlim_max = std::min(limit.rlim_max, static_cast<rlim_t>(bytes));
  if (::setrlimit(RLIMIT_AS, &limit) != 0) FailTrial("cannot limit the trial's memory");
}

// `hold` of PROTOCOL.md. By the kernel's own calls, which the probe does not see: this is no work of the workload.
void AwaitLimits(std::vector<UniqueFd>& descriptors) {
  if (descriptors.size() != 5) return;
  char byte = 'h';
  ::syscall(SYS_write, descriptors[3].get(), &byte, 1);
  while (::syscall(SYS_read, descriptors[4].get(), &byte, 1) < 0 && errno == EINTR) continue;
  ::syscall(SYS_close, descriptors[3].Release());
  ::syscall(SYS_close, descriptors[4].Release());
}

// The pidfd is safe after the fork too: only this process can wait for the child and so free its
// number.
pid_t ForkWithPidfd(int& pidfd) {
  const pid_t child = ::fork();
  if (child > 0) pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  return child;
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

std::string ThreadName(const std::string& thread) {
  const Result<std::string> name = ReadFile("/proc/self/task/" + thread + "/comm");
  return name.ok() ? std::string(Trim(*name)) : thread;
}

class Zygote {
 public:
  explicit Zygote(UniqueFd control) : channel_(std::move(control)) {
    for (const std::string& thread : ListDirectory("/proc/self/task")) threads_.insert(thread);
  }

  int Run() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (;;) {
      Result<std::optional<Packet>> packet = channel_.Receive();
      if (!packet.ok()) return Broken(packet.error().message);
      if (!packet->has_value()) return 0;
      const std::string type = GetString((*packet)->message, "type");
      if (type == "load")
        Load(**packet);
      else if (type == "trial" && payload_ != nullptr) {
        if (!RunTrial(**packet)) return 0;
      } else
        return Broken("unexpected message '" + type + "'");
    }
  }

 private:
  static int Broken(const std::string& why) {
    std::fprintf(stderr, "trireme-runner: broken protocol: %s\n", why.c_str());
    return 1;
  }

  void Load(Packet& packet) {
    if (!packet.descriptors.empty()) ::dup2(packet.descriptors.front().get(), STDERR_FILENO);
    Loaded loaded = LoadPayload(packet.message);
    if (loaded.payload == nullptr) {
      Send({{"type", "refused"},
            {"reason", loaded.refusal.reason},
            {"message", loaded.refusal.message},
            {"line", 0}});
      return;
    }
    payload_ = std::move(loaded.payload);
    PrepareForTrials();
    Send({{"type", "ready"},
          {"version", kProtocolVersion},
          {"pid", ::getpid()},
          {"environment", payload_->Environment()},
          {"threads", ThreadsThatLoadingStarted()}});
  }

  // A page that a trial is the first to touch costs it a fault or two: what is the same for all is done here, once.
  void PrepareForTrials() {
    no_input_.Reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ::setenv("TRIREME_HISTORY", "", 1);
    Probe().unwind();
    LoadUnwinder();
  }

  // They would not be there after a fork. The sanitizers' own were there before.
  Json ThreadsThatLoadingStarted() const {
    Json names = Json::array();
    for (const std::string& thread : ListDirectory("/proc/self/task"))
      if (!threads_.contains(thread)) names.push_back(ThreadName(thread));
    return names;
  }

  static Loaded LoadPayload(const Json& message) {
    if (GetInt(message, "version") != kProtocolVersion)
      return {.payload = nullptr,
              .refusal = {"protocol",
                          "this runner speaks version " + std::to_string(kProtocolVersion)}};
    const std::string kind = GetString(message, "kind");
    if (kind == "cpp") return LoadWorkload(message);
    if (kind == "command") return LoadCommand(message);
    return {.payload = nullptr,
            .refusal = {"protocol", "no runner for a workload of kind '" + kind + "'"}};
  }

  // False when the engine is gone.
  bool RunTrial(Packet& packet) {
    if (packet.descriptors.size() != (GetBool(packet.message, "hold") ? 5 : 3)) return false;
    int pidfd = -1;
    std::fflush(nullptr);
    const pid_t runner = ::getpid();
    const pid_t child = ForkWithPidfd(pidfd);
    if (child < 0) {
      const std::string why = ::strerrordesc_np(errno);
      return Send({{"type", "failed"}, {"message", "cannot fork a process for the trial: " + why}});
    }
    if (child == 0) BecomeTrial(packet, runner);
    packet.descriptors.clear();
    const UniqueFd process(pidfd);
    if (!Send({{"type", "started"}, {"pid", child}}, {process.get()})) {
      EndEverything(child);
      return false;
    }
    return Supervise(child, process.get());
  }

  bool Supervise(pid_t child, int process) {
    std::array<pollfd, 2> watched = {
        pollfd{.fd = process, .events = POLLIN, .revents = 0},
        pollfd{.fd = channel_.fd(), .events = POLLRDHUP, .revents = 0}};
    while (::poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) continue;
    if (watched[0].revents == 0) {
      EndEverything(child);
      return false;
    }
    int status = 0;
    rusage usage{};
    while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) continue;
    Json message = {{"type", "ended"},
                    {"pid", child},
                    {"status", status},
                    {"user", Seconds(usage.ru_utime)},
                    {"system", Seconds(usage.ru_stime)},
                    {"rss", int64_t{usage.ru_maxrss} * 1024},
                    {"time", SystemClock().Now()},
                    {"orphans", Json::array()}};
    for (const Orphan& orphan : EndOrphans(kOrphanGrace))
      message["orphans"].push_back({{"pid", orphan.pid}, {"command", orphan.command}});
    return Send(message);
  }

  static void EndEverything(pid_t child) {
    ::kill(child, SIGKILL);
    EndOrphans(0);
  }

  [[noreturn]] void BecomeTrial(Packet& packet, pid_t runner) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != runner) ::_exit(kTrialCannotStart);
    channel_.Close();
    ::setsid();
    ::signal(SIGPIPE, SIG_IGN);
    const Json& message = packet.message;
    MoveTo(no_input_.get(), STDIN_FILENO);
    MoveTo(packet.descriptors.at(0).get(), STDOUT_FILENO);
    MoveTo(packet.descriptors.at(1).get(), STDERR_FILENO);
    no_input_.Reset();
    packet.descriptors.at(0).Reset();
    packet.descriptors.at(1).Reset();
    const std::string history = GetString(message, "history");
    ::setenv("TRIREME_HISTORY", history.c_str(), 1);
    const std::string temporary = GetString(message, "temporary");
    if (!temporary.empty()) ::setenv("TMPDIR", temporary.c_str(), 1);
    if (::chdir(GetString(message, "directory").c_str()) != 0)
      FailTrial("cannot enter the trial's folder");
    errno = Probe().attach(history.c_str());
    if (errno != 0) FailTrial("cannot attach to the recording");
    InstallStacksHandler(packet.descriptors.at(2).get());
    SetMemoryLimit(GetInt(message, "memory"));
    payload_->Run(message, [&] { AwaitLimits(packet.descriptors); });
    std::fflush(nullptr);
    ::_exit(0);
  }

  bool Send(const Json& message, const std::vector<int>& descriptors = {}) {
    return channel_.Send(message, descriptors).ok();
  }

  Channel channel_;
  std::set<std::string> threads_;  // that this process had before it loaded anything
  std::unique_ptr<Payload> payload_;
  UniqueFd no_input_;
};

}  // namespace

int RunZygote(UniqueFd control) { return Zygote(std::move(control)).Run(); }

}  // namespace trireme
