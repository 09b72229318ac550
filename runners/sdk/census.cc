#include "runners/sdk/census.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "harness/base/mutex.h"
#include "runners/sdk/io.h"
#include "runners/sdk/place.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/registry.h"

namespace trireme {
namespace {

// The probe's threads that look at the loops.
constexpr std::string_view kProbesOwn = "trireme-watch";

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

std::set<int> EntriesOf(DIR* folder) {
  std::set<int> numbers;
  const int own = ::dirfd(folder);
  while (const dirent* entry = ::readdir(folder))
    if (const int number = std::atoi(entry->d_name); entry->d_name[0] != '.' && number != own)
      numbers.insert(number);
  return numbers;
}

// Where there are no more descriptors, one between the soft limit and the hard one.
DIR* OpenWithRoom(const char* path) {
  DIR* folder = ::opendir(path);
  rlimit limit{};
  if (folder != nullptr || errno != EMFILE || ::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return folder;
  const rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &raised);
  folder = ::opendir(path);
  const int error = errno;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  errno = error;
  return folder;
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

void RecordCensus(const char* kind, const Json& list) {
  if (!list.empty()) Record(TRIREME_CENSUS, 0, kind, Value::Json(DumpJson(list)));
}

}  // namespace

void DeclareOwnThread() { Own().Add(::gettid()); }

Census::Listing Census::List(const char* path) {
  DIR* folder = OpenWithRoom(path);
  if (folder == nullptr) return {.numbers = {}, .error = errno};
  Listing listing{.numbers = EntriesOf(folder)};
  ::closedir(folder);
  return listing;
}

Census::Listing Census::Children() {
  if (!HasChildren()) return {};
  const Listing threads = List("/proc/self/task");
  Listing children{.numbers = {}, .error = threads.error};
  for (const int thread : threads.numbers) {
    errno = 0;
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/children");
    if (!file.is_open() && errno != ENOENT) children.error = errno == 0 ? EIO : errno;
    for (int child = 0; file >> child;) children.numbers.insert(child);
  }
  return children;
}

bool Census::Clean() const {
  return TaskRegistry::Get().Empty() && !HasChildren() &&
         Threads(List("/proc/self/task")).empty() && Descriptors(List("/proc/self/fd")).empty();
}

void Census::Report() const {
  const Listing threads = List("/proc/self/task");
  const Listing descriptors = List("/proc/self/fd");
  const Listing processes = Children();
  RecordCensus("tasks", Tasks());
  RecordCensus("threads", Threads(threads));
  RecordCensus("descriptors", Descriptors(descriptors));
  RecordCensus("processes", Processes(processes));
  Json unseen = Json::array();
  const auto note = [&](const char* kind, int error) {
    if (error != 0) unseen.push_back({{"name", kind}, {"reason", std::strerror(error)}});
  };
  note("threads", threads_.error != 0 ? threads_.error : threads.error);
  note("descriptors", descriptors_.error != 0 ? descriptors_.error : descriptors.error);
  note("processes", processes.error);
  RecordCensus("unseen", unseen);
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
Json Census::Threads(const Listing& now) const {
  Json list = Json::array();
  if (threads_.error != 0) return list;
  for (const int thread : now.numbers) {
    if (threads_.numbers.contains(thread) || Own().Has(thread)) continue;
    const std::string name = FirstLine("/proc/self/task/" + std::to_string(thread) + "/comm");
    if (name != kProbesOwn) list.push_back({{"name", name}, {"thread", thread}});
  }
  return list;
}

Json Census::Descriptors(const Listing& now) const {
  std::map<int, OpenDescriptor> ours;
  for (const OpenDescriptor& open : OpenDescriptors()) ours[open.fd] = open;
  Json list = Json::array();
  if (descriptors_.error != 0) return list;
  for (const int fd : now.numbers) {
    if (descriptors_.numbers.contains(fd)) continue;
    const auto made = ours.find(fd);
    if (made == ours.end())
      list.push_back({{"name", DescriptorName(fd)}, {"fd", fd}, {"task", nullptr}});
    else
      list.push_back({{"name", made->second.kind},
                      {"fd", fd},
                      {"task", made->second.maker},
                      {"stack", {PlaceText(made->second.place)}}});
  }
  return list;
}

Json Census::Processes(const Listing& now) {
  Json list = Json::array();
  for (const int child : now.numbers)
    list.push_back(
        {{"name", FirstLine("/proc/" + std::to_string(child) + "/comm")}, {"pid", child}});
  return list;
}

}  // namespace trireme
