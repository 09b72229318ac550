#include "harness/engine/fault_targets.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/engine/process_table.h"

namespace trireme {
namespace {

constexpr size_t kNetTableLimit = 16 << 20;
constexpr size_t kArgumentsLimit = 4 << 20;

std::string ProcFile(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

// The inodes of sockets that listen, in the network that the process sees.
std::set<std::string> ListeningInodes(pid_t pid) {
  std::set<std::string> inodes;
  for (const char* table : {"net/tcp", "net/tcp6", "net/unix"}) {
    const Result<std::string> text = ReadFile(ProcFile(pid, table), kNetTableLimit);
    if (!text.ok()) continue;
    const bool local = std::string(table) == "net/unix";
    for (const std::string& line : Split(*text, '\n')) {
      std::istringstream words(line);
      std::array<std::string, 10> fields;
      for (std::string& field : fields) words >> field;
      // Unix sockets that listen have the flag __SO_ACCEPTCON; TCP sockets the state LISTEN.
      if (local && fields[3] == "00010000") inodes.insert(fields[6]);
      if (!local && fields[3] == "0A") inodes.insert(fields[9]);
    }
  }
  return inodes;
}

bool Listens(pid_t pid) {
  const std::set<std::string> inodes = ListeningInodes(pid);
  if (inodes.empty()) return false;
  for (const std::string& number : ListDirectory(ProcFile(pid, "fd"))) {
    std::array<char, 64> target{};
    const std::string link = ProcFile(pid, "fd/") + number;
    if (::readlink(link.c_str(), target.data(), target.size() - 1) <= 0) continue;
    const std::string text(target.data());
    if (text.starts_with("socket:[") && inodes.contains(text.substr(8, text.size() - 9)))
      return true;
  }
  return false;
}

// By the kernel's name, of at most 15 bytes, or by the program in its command line.
bool IsNamed(const ProcessInfo& process, const std::string& pattern) {
  if (GlobMatches(pattern, process.name)) return true;
  const std::string command = CommandLineOf(process.pid);
  return GlobMatches(pattern, BaseName(command.substr(0, command.find(' '))));
}

// The trial's own process and all below it.
std::vector<ProcessInfo> Living(const FaultSubject& subject) {
  std::vector<ProcessInfo> living = ReadTree(subject.process);
  std::erase_if(living,
                [](const ProcessInfo& each) { return each.state == 'Z' || each.state == 'X'; });
  return living;
}

std::vector<ProcessInfo> ChildrenOf(pid_t parent, const std::vector<ProcessInfo>& tree) {
  std::vector<ProcessInfo> children;
  for (const ProcessInfo& process : tree)
    if (process.parent == parent) children.push_back(process);
  return children;
}

std::optional<ProcessInfo> OldestOf(const std::vector<ProcessInfo>& processes) {
  const auto oldest = std::min_element(
      processes.begin(), processes.end(), [](const ProcessInfo& one, const ProcessInfo& other) {
        return std::pair(one.started, one.pid) < std::pair(other.started, other.pid);
      });
  return oldest == processes.end() ? std::nullopt : std::optional(*oldest);
}

// Whether Python's multiprocessing started it with that module of its own.
bool RunsMultiprocessing(pid_t pid, const std::string& module) {
  const Result<std::string> words = ReadFile(ProcFile(pid, "cmdline"), kArgumentsLimit);
  return words.ok() &&
         words->find("from multiprocessing." + module + " import main") != std::string::npos;
}

// Started by multiprocessing before the first worker: it looks after semaphores and shared memory.
bool IsResourceTracker(pid_t pid) { return RunsMultiprocessing(pid, "resource_tracker"); }

// The same, and it forks the workers in the place of their parent, each with its own command line.
bool IsForkServer(const ProcessInfo& process, pid_t own) {
  return process.parent == own && RunsMultiprocessing(process.pid, "forkserver");
}

std::vector<ProcessInfo> WorkersOf(pid_t own, const std::vector<ProcessInfo>& tree) {
  std::vector<ProcessInfo> workers;
  for (const ProcessInfo& child : ChildrenOf(own, tree)) {
    if (IsResourceTracker(child.pid)) continue;
    if (!IsForkServer(child, own)) {
      workers.push_back(child);
      continue;
    }
    for (const ProcessInfo& forked : ChildrenOf(child.pid, tree)) workers.push_back(forked);
  }
  return workers;
}

// The workload's own; 0: its program has not started yet, or is over.
pid_t OwnProcess(const FaultSubject& subject, const std::vector<ProcessInfo>& tree) {
  if (!subject.command) return subject.process;
  const std::optional<ProcessInfo> program = OldestOf(ChildrenOf(subject.process, tree));
  return program ? program->pid : 0;
}

std::vector<ProcessInfo> Chosen(const FaultSubject& subject, const std::string& target,
                                std::vector<ProcessInfo> tree, pid_t own) {
  if (target == "worker") {
    const std::optional<ProcessInfo> oldest = OldestOf(WorkersOf(own, tree));
    return oldest && own != 0 ? std::vector{*oldest} : std::vector<ProcessInfo>{};
  }
  std::erase_if(tree, [&](const ProcessInfo& process) {
    if (target == "runner") return process.pid != own;
    if (subject.command && process.pid == subject.process) return true;
    if (target != "server") return !IsNamed(process, target);
    return !Listens(process.pid) || IsForkServer(process, own);
  });
  return tree;
}

// Between vfork(2) and execve(2), while its parent waits for it in the kernel: who stops it there stops the parent as well,
// which no signal reaches. It is no process of its own yet; where the kernel does not say, it counts as one.
bool SharesMemory(const ProcessInfo& process) {
  constexpr int kMemory = 1;  // KCMP_VM of linux/kcmp.h
  return ::syscall(SYS_kcmp, process.pid, process.parent, kMemory, 0, 0) == 0;
}

// The process that was seen there, or nothing: its number may be another's by now.
std::optional<FaultTarget> Hold(const ProcessInfo& process) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  const std::optional<ProcessInfo> now = ReadProcess(process.pid);
  if (!pidfd.valid() || !now || now->started != process.started || now->parent != process.parent)
    return std::nullopt;
  if (SharesMemory(process)) return std::nullopt;
  return FaultTarget{.pid = process.pid,
                     .parent = process.parent,
                     .pidfd = std::move(pidfd),
                     .command = CommandLineOf(process.pid)};
}

}  // namespace

std::vector<FaultTarget> FindTargets(const FaultSubject& subject, const std::string& target) {
  std::vector<FaultTarget> found;
  if (target == "runner" && !subject.command) {
    UniqueFd pidfd(::fcntl(subject.pidfd, F_DUPFD_CLOEXEC, 0));
    const std::optional<ProcessInfo> own = ReadProcess(subject.process);
    const bool lives = own && own->state != 'Z' && own->state != 'X';
    if (pidfd.valid() && lives)
      found.push_back({.pid = subject.process,
                       .parent = own->parent,
                       .pidfd = std::move(pidfd),
                       .command = CommandLineOf(subject.process),
                       .own = true});
    return found;
  }
  std::vector<ProcessInfo> tree = Living(subject);
  const pid_t own = OwnProcess(subject, tree);
  for (const ProcessInfo& process : Chosen(subject, target, std::move(tree), own))
    if (std::optional<FaultTarget> held = Hold(process)) {
      held->own = process.pid == own;
      found.push_back(*std::move(held));
    }
  return found;
}

std::vector<pid_t> ProcessesOf(const FaultSubject& subject) {
  std::vector<pid_t> pids;
  for (const ProcessInfo& process : Living(subject)) pids.push_back(process.pid);
  return pids;
}

}  // namespace trireme
