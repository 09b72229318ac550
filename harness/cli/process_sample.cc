#include "harness/cli/process_sample.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "harness/base/file.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr std::array kReads = {
    SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg,
};
constexpr int64_t kMostBytes = 1 << 20;  // of a file of /proc

// What reads an object, by that object's name.
using Readers = std::map<std::string, std::vector<std::string>>;

std::string Target(const std::string& link) {
  std::array<char, 256> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size <= 0 ? "" : std::string(target.data(), static_cast<size_t>(size));
}

bool IsShared(const std::string& object) {
  return object.starts_with("socket:[") || object.starts_with("pipe:[");
}

// "45 0x3 0x7f..." while it sleeps in a call; "running" else.
void AddThread(const std::string& folder, const std::string& thread, Readers& readers) {
  const Result<std::string> text = ReadFile(folder + "/task/" + thread + "/syscall", kMostBytes);
  if (!text.ok()) return;  // it has ended
  const std::vector<std::string> words = Split(*text, ' ');
  if (words.size() < 2) return;
  const long call = std::strtol(words[0].c_str(), nullptr, 10);
  if (std::find(kReads.begin(), kReads.end(), call) == kReads.end()) return;
  const std::string fd = std::to_string(std::strtoul(words[1].c_str(), nullptr, 16));
  const std::string object = Target(folder + "/fd/" + fd);
  if (IsShared(object)) readers[object].push_back("thread " + thread + " by descriptor " + fd);
}

// "tfd:        5 events:       19 data: ..." for each descriptor of an epoll set.
void AddEpollSet(const std::string& folder, const std::string& fd, Readers& readers) {
  const Result<std::string> text = ReadFile(folder + "/fdinfo/" + fd, kMostBytes);
  if (!text.ok()) return;
  for (const std::string& line : Split(*text, '\n')) {
    unsigned watched = 0, events = 0;
    if (std::sscanf(line.c_str(), "tfd: %u events: %x", &watched, &events) != 2) continue;
    const bool reads =
        (events & EPOLLIN) != 0 && (events & (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE)) == 0;
    const std::string object = Target(folder + "/fd/" + std::to_string(watched));
    if (reads && IsShared(object)) readers[object].push_back("epoll set " + fd);
  }
}

// "12 (name) S 1 ...": the name may have any bytes.
bool HasThreadEnded(const std::string& stat_file) {
  const Result<std::string> text = ReadFile(stat_file, kMostBytes);
  if (!text.ok()) return true;
  const size_t name_end = text->rfind(") ");
  const bool known = name_end != std::string::npos && name_end + 2 < text->size();
  const char state = known ? (*text)[name_end + 2] : 'X';
  return state == 'Z' || state == 'X';
}

// It stays there until its parent asks for its status. The first of its threads may end before the others.
bool HasEnded(const std::string& folder) {
  const std::vector<std::string> threads = ListDirectory(folder + "/task");
  return std::all_of(threads.begin(), threads.end(), [&](const std::string& thread) {
    return HasThreadEnded(folder + "/task/" + thread + "/stat");
  });
}

}  // namespace

Result<std::vector<SampledMeeting>> SampleProcess(int process, const std::string& root) {
  const std::string folder = root + "/" + std::to_string(process);
  if (!FileExists(folder + "/stat"))
    return InfrastructureError("there is no process " + std::to_string(process));
  if (const Result<std::string> call = ReadFile(folder + "/syscall", kMostBytes); !call.ok())
    return InfrastructureError(
        "cannot look at process " + std::to_string(process) + ": " + call.error().message,
        "it takes the rights to trace it: the same user, or root");
  if (HasEnded(folder))
    return InfrastructureError("process " + std::to_string(process) + " has ended");
  Readers readers;
  for (const std::string& thread : ListDirectory(folder + "/task"))
    AddThread(folder, thread, readers);
  for (const std::string& fd : ListDirectory(folder + "/fd"))
    if (Target(folder + "/fd/" + fd) == "anon_inode:[eventpoll]") AddEpollSet(folder, fd, readers);
  std::vector<SampledMeeting> meetings;
  for (auto& [object, all] : readers) {
    std::sort(all.begin(), all.end());
    for (size_t i = 1; i < all.size(); ++i)
      meetings.push_back({.object = object, .first = all[i - 1], .second = all[i]});
  }
  return meetings;
}

}  // namespace trireme
