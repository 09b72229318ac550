#include "harness/engine/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <string_view>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/base/unique_fd.h"

namespace trireme {
namespace {

// A fork bomb gets at most so many rounds of stopping before the killing starts.
constexpr int kStopRounds = 64;
constexpr size_t kCommandLimit = 200;

// The first bytes of a file of /proc; empty when the process is gone.
std::string ReadStart(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return "";
  std::array<char, 4096> buffer{};
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  return size <= 0 ? "" : std::string(buffer.data(), static_cast<size_t>(size));
}

std::string ProcPath(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

// The name may hold spaces and parentheses: it ends at the last one.
bool ParseStat(const std::string& text, ProcessInfo& info) {
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return false;
  info.pid = static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10));
  info.name = text.substr(open + 1, close - open - 1);
  std::array<long, 4> ticks{};  // in user and kernel mode, its own and its reaped children's
  const int read =
      std::sscanf(text.c_str() + close + 1,
                  " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %ld %ld %*d %*d %ld %*d %lu",
                  &info.state, &info.parent, &info.group, &ticks[0], &ticks[1], &ticks[2],
                  &ticks[3], &info.threads, &info.started);
  info.ticks = std::accumulate(ticks.begin(), ticks.end(), 0L);
  info.reaped_ticks = ticks[2] + ticks[3];
  return read == 9;
}

std::vector<pid_t> NumbersIn(const std::string& folder) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), &::closedir);
  if (directory == nullptr) return numbers;
  while (const dirent* entry = ::readdir(directory.get()))  // NOLINT(concurrency-mt-unsafe)
    if (const long number = std::strtol(entry->d_name, nullptr, 10); number > 0)
      numbers.push_back(static_cast<pid_t>(number));
  return numbers;
}

// The kernel's own list, much cheaper than the whole table; may miss a child while others end.
std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::vector<pid_t> children;
  for (const pid_t thread : NumbersIn(ProcPath(pid, "task"))) {
    const std::string list =
        ReadStart(ProcPath(pid, ("task/" + std::to_string(thread) + "/children").c_str()));
    const char* at = list.c_str();
    char* end = nullptr;
    for (long child = std::strtol(at, &end, 10); child > 0; child = std::strtol(at, &end, 10)) {
      children.push_back(static_cast<pid_t>(child));
      at = end;
    }
  }
  return children;
}

int64_t ResidentBytes(pid_t pid) {
  long total = 0;
  long resident = 0;
  if (std::sscanf(ReadStart(ProcPath(pid, "statm")).c_str(), "%ld %ld", &total, &resident) != 2)
    return 0;
  return int64_t{resident} * ::sysconf(_SC_PAGESIZE);
}

// Each page divided by how many processes have it; all of its pages where the kernel does not say.
// The kernel walks the pages for it: some milliseconds for each hundred megabytes.
int64_t ShareOfResidentBytes(pid_t pid) {
  const std::string rollup = ReadStart(ProcPath(pid, "smaps_rollup"));
  const size_t at = rollup.find("\nPss:");
  long kilobytes = 0;
  if (at == std::string::npos || std::sscanf(rollup.c_str() + at, "\nPss: %ld", &kilobytes) != 1)
    return ResidentBytes(pid);
  return int64_t{kilobytes} * 1024;
}

// A process whose main thread left looks like a zombie while its other threads run.
bool AtRest(const ProcessInfo& process) {
  if (process.state == 'Z' || process.state == 'X') return process.threads <= 1;
  return process.state == 'T' || process.state == 't';
}

using Spares = std::function<bool(const ProcessInfo&)>;

// One pass over /proc that signals each process below `root` the moment it is found: what forks and
// leaves within milliseconds is gone by the end of the pass. Numbers grow, so children mostly come
// after their parents. True when nobody was found that runs. What `spares` names is passed over with
// all below it.
bool SignalTree(pid_t root, bool with_root, int signal, const Spares& spares) {
  std::set<pid_t> tree = {root};
  std::set<pid_t> groups = {::getpgrp(), 0, 1};  // -1 would be everybody
  bool at_rest = true;
  std::vector<pid_t> numbers = NumbersIn("/proc");
  std::sort(numbers.begin(), numbers.end());
  for (const pid_t pid : numbers) {
    ProcessInfo process;
    if (!ParseStat(ReadStart(ProcPath(pid, "stat")), process)) continue;
    if (spares && spares(process)) continue;
    const bool below = tree.contains(process.parent) && tree.insert(pid).second;
    if (!below && !(with_root && pid == root)) continue;
    at_rest = at_rest && AtRest(process);
    ::kill(pid, signal);
    // A signal to a group cannot be outrun by fork.
    if (groups.insert(process.group).second) ::kill(-process.group, signal);
  }
  return at_rest;
}

// Against a fork bomb we share the processor with thousands: while we kill, we go first where that
// is allowed.
class GoFirst {
 public:
  GoFirst() : policy_(::sched_getscheduler(0)) {
    const sched_param first = {.sched_priority = 1};
    changed_ = policy_ >= 0 && ::sched_setscheduler(0, SCHED_FIFO, &first) == 0;
  }
  ~GoFirst() {
    const sched_param normal = {.sched_priority = 0};
    if (changed_) ::sched_setscheduler(0, policy_, &normal);
  }
  GoFirst(const GoFirst&) = delete;
  GoFirst& operator=(const GoFirst&) = delete;

 private:
  const int policy_;
  bool changed_ = false;
};

// As the kernel counts when a process started: since the machine did, suspended or not.
uint64_t TicksSinceBoot() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  const auto per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  return static_cast<uint64_t>(time.tv_sec) * per_second +
         static_cast<uint64_t>(time.tv_nsec) * per_second / kNanosecondsPerSecond;
}

void StopAndKill(pid_t root, bool with_root, const Spares& spares = nullptr) {
  const GoFirst first;
  for (int round = 0; round < kStopRounds; ++round)
    if (SignalTree(root, with_root, SIGSTOP, spares)) break;
  SignalTree(root, with_root, SIGKILL, spares);
}

// A process and its descendants, by the kernel's lists.
std::set<pid_t> Tree(pid_t root) {
  std::vector<pid_t> pending = {root};
  std::set<pid_t> seen;
  while (!pending.empty()) {
    const pid_t pid = pending.back();
    pending.pop_back();
    if (!seen.insert(pid).second) continue;
    for (const pid_t child : ChildrenOf(pid)) pending.push_back(child);
  }
  return seen;
}

}  // namespace

std::vector<ProcessInfo> ReadProcessTable() {
  std::vector<ProcessInfo> table;
  for (const pid_t pid : NumbersIn("/proc")) {
    ProcessInfo info;
    if (ParseStat(ReadStart(ProcPath(pid, "stat")), info)) table.push_back(std::move(info));
  }
  return table;
}

std::optional<ProcessInfo> ReadProcess(pid_t pid) {
  ProcessInfo info;
  if (!ParseStat(ReadStart(ProcPath(pid, "stat")), info)) return std::nullopt;
  return info;
}

std::vector<ProcessInfo> ReadTree(pid_t root) {
  std::vector<ProcessInfo> processes;
  for (const pid_t pid : Tree(root))
    if (std::optional<ProcessInfo> process = ReadProcess(pid))
      processes.push_back(*std::move(process));
  return processes;
}

std::vector<ProcessInfo> DescendantsOf(pid_t root, const std::vector<ProcessInfo>& table) {
  std::set<pid_t> known = {root};
  std::vector<ProcessInfo> found;
  // A parent's number may be above its child's: repeat until nothing is added.
  for (bool added = true; added;) {
    added = false;
    for (const ProcessInfo& process : table) {
      if (!known.contains(process.parent) || !known.insert(process.pid).second) continue;
      found.push_back(process);
      added = true;
    }
  }
  return found;
}

std::string StatusField(const std::string& status, const std::string& name) {
  for (const std::string& line : Split(status, '\n'))
    if (line.starts_with(name + ":"))
      return std::string(Trim(std::string_view(line).substr(name.size() + 1)));
  return "?";
}

std::string CommandLineOf(pid_t pid) {
  std::string line = ReadStart(ProcPath(pid, "cmdline"));
  while (!line.empty() && line.back() == '\0') line.pop_back();
  std::replace(line.begin(), line.end(), '\0', ' ');
  if (line.empty()) {
    ProcessInfo info;
    if (ParseStat(ReadStart(ProcPath(pid, "stat")), info)) line = "[" + info.name + "]";
  }
  if (line.size() > kCommandLimit) line.resize(kCommandLimit);
  return line;
}

Activity ActivityOfTree(pid_t root) {
  Activity activity;
  for (const pid_t pid : Tree(root)) {
    ProcessInfo info;
    if (!ParseStat(ReadStart(ProcPath(pid, "stat")), info)) continue;
    activity.processor += info.ticks * (kNanosecondsPerSecond / ::sysconf(_SC_CLK_TCK));
    activity.runs = activity.runs || info.state == 'R' || info.state == 'D';
  }
  return activity;
}

int64_t ResidentBytesOfTree(pid_t root, int64_t limit) {
  const std::set<pid_t> tree = Tree(root);
  int64_t bytes = 0;
  for (const pid_t pid : tree) bytes += ResidentBytes(pid);
  if (bytes <= limit) return bytes;
  int64_t shares = 0;
  for (const pid_t pid : tree) shares += ShareOfResidentBytes(pid);
  return shares;
}

void KillTree(pid_t root, bool with_root) { StopAndKill(root, with_root); }

void EndChildren(int64_t patience) {
  const int64_t give_up = SystemClock().Now() + patience;
  while (SystemClock().Now() < give_up) {
    pid_t reaped = 0;
    do reaped = ::waitpid(-1, nullptr, WNOHANG);
    while (reaped > 0);
    // Nobody is below us without a child of ours: orphans become our children.
    if (reaped < 0) return;
    KillTree(::getpid(), false);
    ::poll(nullptr, 0, 1);  // for them to end
  }
}

EarlierChildren::EarlierChildren() : now_(TicksSinceBoot()) {
  for (const ProcessInfo& process : ReadProcessTable())
    if (process.parent == ::getpid()) started_by_pid_[process.pid] = process.started;
}

bool EarlierChildren::Has(const ProcessInfo& child) const {
  const auto known = started_by_pid_.find(child.pid);
  return child.started < now_ || (known != started_by_pid_.end() && known->second == child.started);
}

void EarlierChildren::EndOthers(int64_t patience) const {
  const pid_t self = ::getpid();
  const Spares spares = [&](const ProcessInfo& process) {
    return process.parent == self && Has(process);
  };
  const int64_t give_up = SystemClock().Now() + patience;
  while (SystemClock().Now() < give_up) {
    bool found = false;
    for (const ProcessInfo& process : ReadProcessTable())
      if (process.parent == self && !Has(process))
        // One that has ended, too: its children became ours while the table was read.
        found = ::waitpid(process.pid, nullptr, WNOHANG) >= 0 || found;
    if (!found) return;
    StopAndKill(self, false, spares);
    ::poll(nullptr, 0, 1);  // for them to end
  }
}

}  // namespace trireme
