#include "runners/sdk/census.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "harness/base/mutex.h"
#include "runners/sdk/io.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/registry.h"

namespace trireme {
namespace {

class OwnThreads {
 public:
  void Add(int thread) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    threads_.insert(thread);
  }
  bool Has(int thread) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return threads_.contains(thread);
  }

 private:
  Mutex mutex_;
  std::set<int> threads_ TRIREME_GUARDED_BY(mutex_);
};

OwnThreads& Own() {
  static OwnThreads& own = *new OwnThreads();
  return own;
}

// The numbers that name the entries of a folder of /proc.
std::set<int> Numbers(const char* path) {
  std::set<int> numbers;
  DIR* folder = ::opendir(path);
  if (folder == nullptr) return numbers;
  const int own = ::dirfd(folder);
  while (const dirent* entry = ::readdir(folder))
    if (const int number = std::atoi(entry->d_name); entry->d_name[0] != '.' && number != own)
      numbers.insert(number);
  ::closedir(folder);
  return numbers;
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "socket", "pipe", or the path: a name that is the same in every trial.
std::string DescriptorName(int fd) {
  std::array<char, 512> target{};
  const ssize_t size =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target.data(), target.size());
  std::string name(target.data(), size < 0 ? 0 : static_cast<size_t>(size));
  if (const size_t colon = name.find(":["); colon != std::string::npos) name.resize(colon);
  return name;
}

bool HasChildren() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

std::set<int> Children() {
  std::set<int> children;
  for (const int thread : Numbers("/proc/self/task")) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/children");
    for (int child = 0; file >> child;) children.insert(child);
  }
  return children;
}

void RecordCensus(const char* kind, const Json& list) {
  if (!list.empty()) Record(TRIREME_CENSUS, 0, kind, Value::Json(DumpJson(list)));
}

}  // namespace

void DeclareOwnThread() { Own().Add(::gettid()); }

Census::Census() : descriptors_(Numbers("/proc/self/fd")), threads_(Numbers("/proc/self/task")) {}

bool Census::Clean() const {
  return TaskRegistry::Get().Empty() && !HasChildren() && Threads().empty() &&
         Descriptors().empty();
}

void Census::Report() const {
  RecordCensus("tasks", Tasks());
  RecordCensus("threads", Threads());
  RecordCensus("descriptors", Descriptors());
  RecordCensus("processes", Processes());
}

Json Census::Tasks() const {
  Json list = Json::array();
  for (const auto& task : TaskRegistry::Get().Live()) {
    const char* waiting = task->waiting.load();
    list.push_back({{"name", task->name},
                    {"path", task->path},
                    {"waits", waiting == nullptr ? Json() : Json(waiting)}});
  }
  return list;
}

// A task's own thread is a task; it is not counted again.
Json Census::Threads() const {
  Json list = Json::array();
  for (const int thread : Numbers("/proc/self/task")) {
    if (threads_.contains(thread) || Own().Has(thread)) continue;
    list.push_back({{"name", FirstLine("/proc/self/task/" + std::to_string(thread) + "/comm")},
                    {"thread", thread}});
  }
  return list;
}

Json Census::Descriptors() const {
  std::map<int, OpenDescriptor> ours;
  for (const OpenDescriptor& open : OpenDescriptors()) ours[open.fd] = open;
  Json list = Json::array();
  for (const int fd : Numbers("/proc/self/fd")) {
    if (descriptors_.contains(fd)) continue;
    const auto made = ours.find(fd);
    if (made == ours.end())
      list.push_back({{"name", DescriptorName(fd)}, {"fd", fd}, {"task", nullptr}});
    else
      list.push_back({{"name", made->second.kind}, {"fd", fd}, {"task", made->second.maker}});
  }
  return list;
}

Json Census::Processes() const {
  Json list = Json::array();
  if (!HasChildren()) return list;
  for (const int child : Children())
    list.push_back(
        {{"name", FirstLine("/proc/" + std::to_string(child) + "/comm")}, {"pid", child}});
  return list;
}

}  // namespace trireme
