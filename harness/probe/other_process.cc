#include "harness/probe/other_process.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/text.h"

namespace trireme {
namespace {

constexpr uint64_t kEpollWaits[] = {
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait,
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
};

// Who is told of more registers once and for all, whether anybody reads or not; who is told once, or instead of others, does not meet
// them.
constexpr uint64_t kNotForReadingAlone = EPOLLOUT | EPOLLPRI | EPOLLONESHOT | EPOLLEXCLUSIVE;

// As getdents64(2) writes it.
struct FolderEntry {
  uint64_t inode;
  int64_t next;
  uint16_t size;
  uint8_t kind;
  char name[];
};

// A file of /proc, line by line. What is longer than a line of these may be comes in pieces.
class Lines {
 public:
  explicit Lines(const char* path)
      : fd_(static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC))) {}
  ~Lines() {
    if (fd_ >= 0) syscall(SYS_close, fd_);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  // Null at the end. Until the next call.
  const char* Next() {
    size_t size = 0;
    for (char byte = 0; size + 1 < sizeof(line_) && TakeByte(&byte) && byte != '\n';)
      line_[size++] = byte;
    line_[size] = '\0';
    return size == 0 ? nullptr : line_;
  }

 private:
  bool TakeByte(char* byte) {
    if (at_ == filled_) {
      const long got = fd_ < 0 ? 0 : syscall(SYS_read, fd_, bytes_, sizeof(bytes_));
      if (got <= 0) return false;
      filled_ = static_cast<size_t>(got);
      at_ = 0;
    }
    *byte = bytes_[at_++];
    return true;
  }

  int fd_;
  size_t at_ = 0, filled_ = 0;
  char bytes_[512];
  char line_[160];
};

// The number behind `name` in a line; false where it has none.
bool NumberAfter(const char* line, const char* name, int base, uint64_t* number) {
  const char* found = strstr(line, name);
  if (found == nullptr) return false;
  *number = 0;
  for (found += strlen(name); *found == ' ';) ++found;
  for (;; ++found) {
    const int digit = *found >= '0' && *found <= '9'   ? *found - '0'
                      : *found >= 'a' && *found <= 'f' ? *found - 'a' + 10
                                                       : base;
    if (digit >= base) return true;
    *number = *number * static_cast<unsigned>(base) + static_cast<unsigned>(digit);
  }
}

void AddProcess(TextBuffer& path, uint32_t process, const char* folder, int64_t number) {
  path.Add("/proc/").AddNumber(process).Add(folder).AddNumber(number);
}

// The set that a thread sleeps in; -1: it does something else.
int SetOf(uint32_t process, uint32_t thread) {
  TextBuffer path;
  AddProcess(path, process, "/task/", thread);
  path.Add("/syscall");
  char bytes[64];
  if (ReadFile(path.text(), bytes, sizeof(bytes)) <= 0 || bytes[0] < '0' || bytes[0] > '9')
    return -1;
  uint64_t call = 0, set = 0;
  if (!NumberAfter(bytes, "", 10, &call) || !NumberAfter(bytes, "0x", 16, &set)) return -1;
  for (const uint64_t wait : kEpollWaits)
    if (call == wait) return static_cast<int>(set);
  return -1;
}

bool IsThere(uint32_t process, int fd, const ObjectId& id) {
  TextBuffer path;
  AddProcess(path, process, "/fd/", fd);
  struct stat status;
  return syscall(SYS_newfstatat, AT_FDCWD, path.text(), &status, 0) == 0 &&
         ObjectId{status.st_ino, static_cast<uint32_t>(status.st_dev)} == id;
}

// By which descriptor a set holds the object for reading alone, and tells of it to all who wait there; -1: it does not.
int HeldFor(uint32_t process, int set, const ObjectId& id) {
  TextBuffer path;
  AddProcess(path, process, "/fdinfo/", set);
  Lines lines(path.text());
  while (const char* line = lines.Next()) {
    uint64_t fd = 0, events = 0, inode = 0;
    if (!NumberAfter(line, "tfd:", 10, &fd) || !NumberAfter(line, "events:", 16, &events)) continue;
    if ((events & EPOLLIN) == 0 || (events & kNotForReadingAlone) != 0) continue;
    if (!NumberAfter(line, "ino:", 16, &inode) || inode != id.inode) continue;
    if (IsThere(process, static_cast<int>(fd), id)) return static_cast<int>(fd);
  }
  return -1;
}

PollerElsewhere PollerIn(uint32_t process, uint32_t thread, const ObjectId& id) {
  const int set = SetOf(process, thread);
  const int fd = set < 0 ? -1 : HeldFor(process, set, id);
  return fd < 0 ? PollerElsewhere{} : PollerElsewhere{thread, set, fd};
}

// Calls visit(number) for what has one for a name in that folder of a process, until it is false.
template <typename Visit>
void ForEachNumber(uint32_t process, const char* name, const Visit& visit) {
  TextBuffer path;
  path.Add("/proc/").AddNumber(process).Add(name);
  const long folder =
      syscall(SYS_openat, AT_FDCWD, path.text(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  bool on = true;
  alignas(FolderEntry) char bytes[1024];
  for (long size = 1; size > 0 && on;) {
    size = syscall(SYS_getdents64, folder, bytes, sizeof(bytes));
    for (long at = 0; at < size && on;) {
      const auto* entry = reinterpret_cast<const FolderEntry*>(bytes + at);
      at += entry->size;
      uint64_t number = 0;
      if (entry->name[0] != '.' && NumberAfter(entry->name, "", 10, &number))
        on = visit(static_cast<uint32_t>(number));
    }
  }
  syscall(SYS_close, folder);
}

constexpr uint32_t kMostProcesses = 128;
constexpr int kMostDescriptors = 4096;

bool HasSocket(uint32_t process, uint64_t inode, int* looks) {
  bool found = false;
  ForEachNumber(process, "/fd", [&](uint32_t fd) {
    TextBuffer path;
    AddProcess(path, process, "/fd/", fd);
    struct stat status;
    found = syscall(SYS_newfstatat, AT_FDCWD, path.text(), &status, 0) == 0 &&
            S_ISSOCK(status.st_mode) && status.st_ino == inode;
    return --*looks > 0 && !found;
  });
  return found;
}

void AddChildren(uint32_t process, uint32_t* processes, uint32_t* known) {
  ForEachNumber(process, "/task", [&](uint32_t thread) {
    TextBuffer path;
    AddProcess(path, process, "/task/", thread);
    path.Add("/children");
    char bytes[1024];
    if (ReadFile(path.text(), bytes, sizeof(bytes)) <= 0) return true;
    for (const char* at = bytes; *at >= '0' && *at <= '9' && *known < kMostProcesses;) {
      uint64_t child = 0;
      NumberAfter(at, "", 10, &child);
      processes[(*known)++] = static_cast<uint32_t>(child);
      at += strspn(at, "0123456789");
      at += strspn(at, " ");
    }
    return *known < kMostProcesses;
  });
}

}  // namespace

PollerElsewhere FindPollerIn(uint32_t process, const ObjectId& id, int* threads) {
  PollerElsewhere found;
  ForEachNumber(process, "/task", [&](uint32_t thread) {
    if (thread == 0) return true;
    found = PollerIn(process, thread, id);
    return --*threads > 0 && found.thread == 0;
  });
  return found;
}

bool IsSocketBelow(uint32_t process, uint64_t inode) {
  uint32_t processes[kMostProcesses] = {process};
  uint32_t known = 1;
  int looks = kMostDescriptors;
  for (uint32_t i = 0; i < known && looks > 0; ++i) {
    if (HasSocket(processes[i], inode, &looks)) return true;
    AddChildren(processes[i], processes, &known);
  }
  return false;
}

}  // namespace trireme
