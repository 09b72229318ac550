#include "harness/cli/capabilities.h"

#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/base/unique_fd.h"
#include "harness/engine/small_disk.h"
#include "harness/engine/thread_group.h"

namespace trireme {
namespace {

// Nothing when the capability is there, else why it is not.
using Problem = std::optional<std::string>;

std::string Refused(const char* call) { return std::string(call) + ": " + std::strerror(errno); }

// Runs `body` in a child; its status is the child's, 0 or an errno.
template <typename Body>
Problem TryInChild(const char* call, Body body) {
  const pid_t child = ::fork();
  if (child < 0) return Refused("fork");
  if (child == 0) ::_exit(body() ? 0 : errno);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return Refused("waitpid");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  if (!WIFEXITED(status))
    return std::string(call) + ": killed by signal " + std::to_string(WTERMSIG(status));
  return std::string(call) + ": " + std::strerror(WEXITSTATUS(status));
}

Problem TryFork() {
  return TryInChild("fork", [] { return true; });
}

Problem TryUnixSockets() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return Refused("socketpair");
  const UniqueFd first(ends[0]);
  const UniqueFd second(ends[1]);
  return std::nullopt;
}

Problem TryIpv6() {
  const UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return Refused("socket");
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return Refused("bind to ::1");
  return std::nullopt;
}

Problem TryPtrace() {
  const pid_t child = ::fork();
  if (child < 0) return Refused("fork");
  if (child == 0)
    while (true) ::pause();
  Problem problem;
  if (::ptrace(PTRACE_SEIZE, child, nullptr, nullptr) != 0) {
    problem = Refused("ptrace");
    if (const auto scope = ReadFile("/proc/sys/kernel/yama/ptrace_scope", 64); scope.ok())
      *problem += ", kernel.yama.ptrace_scope is " + std::string(Trim(*scope));
  }
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return problem;
}

Problem TryPidNamespaces() {
  const auto enter = [] {
    return ::unshare(CLONE_NEWPID) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
  };
  return TryInChild("unshare", enter);
}

Problem TryPidfd() {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!pidfd.valid()) return Refused("pidfd_open");
  return std::nullopt;
}

Problem TryPerfCounters() {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_HW_CPU_CYCLES;
  attributes.exclude_kernel = 1;
  const UniqueFd counter(static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (counter.valid()) return std::nullopt;
  if (errno == ENOENT)
    return "this machine has no hardware counters (a virtual one often hides them)";
  return Refused("perf_event_open");
}

// The cgroup v2 folder of this process, or "".
std::string OwnCgroup() {
  const auto text = ReadFile("/proc/self/cgroup", 65536);
  if (!text.ok()) return "";
  for (const std::string& line : Split(*text, '\n'))
    if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3);
  return "";
}

Problem TryCgroups() {
  const std::string own = OwnCgroup();
  if (own.empty() || !FileExists("/sys/fs/cgroup/cgroup.controllers"))
    return "no cgroup v2 hierarchy is mounted";
  if (::access(JoinPath(own, "cgroup.procs").c_str(), W_OK) != 0)
    return own + " is not ours to write";
  return std::nullopt;
}

Problem WhenNotEmpty(std::string problem) {
  return problem.empty() ? Problem() : Problem(std::move(problem));
}

Problem TryThreadLimit() { return WhenNotEmpty(ThreadGroupProblem()); }

Problem TrySmallDisk() { return WhenNotEmpty(SmallDiskProblem()); }

Problem TryGdb() { return FindProgram("gdb").empty() ? Problem("no gdb in PATH") : std::nullopt; }

Problem TryCompiler() {
  for (const char* name : {"c++", "g++", "clang++"})
    if (!FindProgram(name).empty()) return std::nullopt;
  return "no c++, g++ or clang++ in PATH";
}

struct Probe {
  const char* name;
  Problem (*attempt)();
  const char* used_for;
  const char* fix;
};

constexpr std::array<Probe, 12> kProbes = {{
    {"fork", &TryFork, "zygotes: a trial costs a fork", ""},
    {"unix-sockets", &TryUnixSockets, "the runner protocol", ""},
    {"ipv6", &TryIpv6, "scenarios that use ::1", "sysctl net.ipv6.conf.all.disable_ipv6=0"},
    {"pidfd", &TryPidfd, "waiting for runners without races", "a kernel of 5.3 or newer"},
    {"ptrace", &TryPtrace, "native stacks of what hangs",
     "sysctl kernel.yama.ptrace_scope=0; in a container: --cap-add=SYS_PTRACE"},
    {"gdb", &TryGdb, "native stacks of what hangs", "apt-get install gdb"},
    {"compiler", &TryCompiler, "compiling a workload.cc on the spot", "apt-get install g++"},
    {"pid-namespaces", &TryPidNamespaces, "scenarios that ask for it; a run cleans up without",
     "sysctl kernel.unprivileged_userns_clone=1, or root"},
    {"cgroups", &TryCgroups, "scenarios that ask for it; a trial's memory is limited without",
     "systemd-run --user --scope -p Delegate=yes trireme run"},
    {"thread-limit", &TryThreadLimit, "faults that limit threads",
     "root, or a control group with the controller 'pids' delegated: systemd-run --user --scope -p "
     "Delegate=yes trireme run"},
    {"small-disk", &TrySmallDisk, "faults that fill the disk",
     "root; in a container: --cap-add=SYS_ADMIN"},
    {"perf-counters", &TryPerfCounters, "rr and perf on a trial; a run needs none",
     "sysctl kernel.perf_event_paranoid=1"},
}};

}  // namespace

std::vector<std::string> CapabilityNames() {
  std::vector<std::string> names;
  for (const Probe& probe : kProbes) names.emplace_back(probe.name);
  return names;
}

std::vector<Capability> ProbeCapabilities(const std::vector<std::string>& names) {
  std::vector<Capability> capabilities;
  for (const Probe& probe : kProbes) {
    if (!names.empty() && std::find(names.begin(), names.end(), probe.name) == names.end())
      continue;
    const Problem problem = probe.attempt();
    capabilities.push_back({.name = probe.name,
                            .available = !problem.has_value(),
                            .used_for = probe.used_for,
                            .reason = problem.value_or(""),
                            .fix = problem ? probe.fix : ""});
  }
  return capabilities;
}

}  // namespace trireme
