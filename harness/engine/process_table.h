#ifndef TRIREME_HARNESS_ENGINE_PROCESS_TABLE_H_
#define TRIREME_HARNESS_ENGINE_PROCESS_TABLE_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace trireme {

// One process as /proc/<pid>/stat describes it.
struct ProcessInfo {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  char state = '?';  // R, S, D, T (stopped), Z (zombie), ...
  long threads = 0;
  long ticks = 0;         // of the processor that it and its reaped children used
  long reaped_ticks = 0;  // those of its reaped children
  uint64_t started = 0;   // in clock ticks since the machine did
  std::string name;
};

// All processes of this PID namespace: one pass over /proc, so neither atomic nor cheap.
std::vector<ProcessInfo> ReadProcessTable();

// Nothing when it is gone.
std::optional<ProcessInfo> ReadProcess(pid_t pid);

// A process and its descendants, by the kernel's lists of children: much cheaper than the table, but may miss one while
// others end.
std::vector<ProcessInfo> ReadTree(pid_t root);

// Those of `table` below `root`, which is not among them.
std::vector<ProcessInfo> DescendantsOf(pid_t root, const std::vector<ProcessInfo>& table);

// Its command line, shortened to 200 bytes, or its name in brackets.
std::string CommandLineOf(pid_t pid);

// The value of a line "Name:\tvalue" in the text of a status file of /proc; "?" without one.
std::string StatusField(const std::string& status, const std::string& name);

// What a process and its descendants have done.
struct Activity {
  int64_t processor = 0;  // nanoseconds of it that they used
  bool runs = false;      // one of them runs now, or waits for the processor or a disk
};
Activity ActivityOfTree(pid_t root);

// Resident bytes of a process and its descendants. What they share, as forked processes share what
// none has written since, counts once for each of them while that keeps the sum within `limit`, and
// else once: the exact number costs far more.
int64_t ResidentBytesOfTree(pid_t root, int64_t limit);

// Stops and then kills everything below `root`, and `root` itself where asked. Stopping comes
// first, until a scan finds nobody running, so that what forks as fast as it dies comes to rest
// before it is killed. One call may miss what was born meanwhile: a subreaper calls it again until
// it has no children left. REQUIRES: what is below `root` is in sessions of its own.
void KillTree(pid_t root, bool with_root);

// Ends everything below this process and reaps it; gives up on what cannot be killed (a program
// that changed its user) after `patience` nanoseconds. REQUIRES: this process is a child subreaper,
// has one thread, and needs none of its children.
void EndChildren(int64_t patience);

// The children of this process at one moment: those that it had before it started any, as a shell
// that becomes another program has, and the first process of a container.
class EarlierChildren {
 public:
  // As of now.
  EarlierChildren();

  // As EndChildren(), but for these children, and for what they leave behind that is older than
  // this object: neither is killed or reaped, nor anything below them. What they started later and
  // left behind cannot be told from what this process started.
  void EndOthers(int64_t patience) const;

 private:
  bool Has(const ProcessInfo& child) const;

  uint64_t now_ = 0;                          // in clock ticks, as ProcessInfo::started
  std::map<pid_t, uint64_t> started_by_pid_;  // a number may be given to another process
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_PROCESS_TABLE_H_
