// A runner that speaks the protocol (harness/protocol/PROTOCOL.md) and misbehaves on request: the
// engine's tests give it a workload's name, `load-...` to fail before there is a trial, and a
// parameter `do`, what the trial does.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/engine/process_table.h"
#include "harness/protocol/channel.h"
#include "tests/testing/trial_recorder.h"

namespace trireme {
namespace {

constexpr int kStacksSignal = 34 + 12;
constexpr int kStacksDescriptor = 9;

[[noreturn]] void Forever() {
  while (true) ::pause();
}

constexpr int64_t kComputing = kNanosecondsPerSecond / 2;

void UseTheProcessor(int64_t nanoseconds) {
  const int64_t end = SystemClock().Now() + nanoseconds;
  while (SystemClock().Now() < end) continue;
}

void WriteStacks(int) {
  constexpr const char* kText = "main: in Forever\n== end of stacks\n";
  (void)!::write(kStacksDescriptor, kText, std::strlen(kText));
}

// Runs `body` in a process that no signal to its parent's group or session reaches.
void Detach(const std::function<void()>& body) {
  if (const pid_t child = ::fork(); child != 0) {
    ::waitpid(child, nullptr, 0);
    return;
  }
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  ::prctl(PR_SET_PDEATHSIG, 0);
  body();
  ::_exit(0);
}

// Processes that never rest: each starts its successor in a session of its own and leaves, for as
// long as there were fewer than `total`, which bounds what a machine suffers when nobody ends them.
void ForkBomb(int chains, int total) {
  int* born = static_cast<int*>(
      ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (int chain = 0; chain < chains; ++chain) {
    if (::fork() != 0) continue;
    while (__atomic_add_fetch(born, 1, __ATOMIC_SEQ_CST) < total) {
      ::usleep(2000);
      if (::fork() != 0) ::_exit(0);
      ::setsid();
    }
    Forever();
  }
  Forever();
}

// The names as the kernel has them, of at most 15 bytes.
constexpr const char* kRunnerName = "trireme_fake_ru";
constexpr const char* kGuardianName = "trireme-guard";

// The process of that name among our ancestors, `nth` from below. By name, since whoever lost its
// parent has another: a test that signals its parent's parent may hit the shell that runs it. Waits
// for ever when there is none.
pid_t Above(const std::string& name, int nth) {
  const std::vector<ProcessInfo> table = ReadProcessTable();
  pid_t pid = ::getppid();
  while (pid > 1) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const ProcessInfo& process) { return process.pid == pid; });
    if (found == table.end()) break;
    if (found->name == name && nth-- == 0) return pid;
    pid = found->parent;
  }
  Forever();
}

void Flood(int64_t bytes) {
  const std::string block(1 << 16, 'x');
  for (int64_t written = 0; written < bytes; written += static_cast<int64_t>(block.size()))
    (void)!::write(1, block.data(), block.size());
}

void HogMemory() {
  constexpr size_t kStep = 16 << 20;
  while (true) {
    void* const memory =
        ::mmap(nullptr, kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    std::memset(memory, 1, kStep);
    ::usleep(1000);
  }
}

void Operations(int count) {
  for (int i = 0; i < count; ++i) RecordOperation("add", i);
}

// Waits for `step` to succeed, as a server that is short of something does.
void RetryUntil(const std::function<bool()>& step) {
  while (!step()) ::usleep(1000);
}

bool IsRunning(const std::string& name) {
  for (const ProcessInfo& process : ReadProcessTable())
    if (process.name == name && process.state != 'Z') return true;
  return false;
}

pid_t StartChild() {
  const pid_t child = ::fork();
  if (child == 0) Forever();
  return child;
}

// A file that grows in the folder for temporary ones; how far it got.
class GrowingFile {
 public:
  GrowingFile()
      : fd_(::open((std::string(std::getenv("TMPDIR")) + "/file").c_str(), O_RDWR | O_CREAT,
                   0666)) {}
  bool Grow() const {
    const std::string page(4096, 'x');
    return ::write(fd_.get(), page.data(), page.size()) == static_cast<ssize_t>(page.size());
  }

 private:
  UniqueFd fd_;
};

sockaddr_un ServerAddress() {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "server"};
  return address;
}

// A program that greets whoever connects with a byte, until it is ended.
[[noreturn]] void Listen() {
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un address = ServerAddress();
  ::unlink(address.sun_path);
  ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::listen(listener, 8);
  while (true) (void)!::write(::accept(listener, nullptr, nullptr), "!", 1);
}

// With a greeting: the socket of a server that was killed takes connections until the kernel has closed it, which may be after
// those that it served.
UniqueFd ConnectToServer() {
  UniqueFd socket;
  RetryUntil([&] {
    socket = UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0));
    const sockaddr_un address = ServerAddress();
    char greeting = 0;
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
               0 &&
           ::read(socket.get(), &greeting, 1) == 1;
  });
  return socket;
}

volatile sig_atomic_t continued = 0;

using Behaviour = std::function<void(const Json& params)>;

const std::map<std::string, Behaviour>& Behaviours() {
  static const std::map<std::string, Behaviour> all = {
      {"return", [](const Json&) {}},
      {"operations",
       [](const Json& params) { Operations(static_cast<int>(GetInt(params, "count", 10))); }},
      {"output",
       [](const Json&) {
         std::printf("to stdout\n");
         (void)std::fflush(stdout);
         (void)!::write(2, "to stderr\n", 10);
       }},
      {"parent",
       [](const Json&) {
         std::printf("%d\n", ::getppid());
         (void)std::fflush(stdout);
       }},
      {"hang", [](const Json&) { Forever(); }},
      {"compute", [](const Json&) { UseTheProcessor(kComputing); }},
      {"compute-below",
       [](const Json&) {
         const pid_t child = ::fork();
         if (child == 0) {
           UseTheProcessor(kComputing);
           ::_exit(0);
         }
         ::waitpid(child, nullptr, 0);
       }},
      {"hang-without-stacks",
       [](const Json&) {
         ::signal(kStacksSignal, SIG_DFL);
         Forever();
       }},
      {"hang-with-the-lock",  // as an interpreter whose lock is held: catches the signal, never
                              // answers
       [](const Json&) {
         ::signal(kStacksSignal, [](int) {});
         Forever();
       }},
      {"record-for-ever",
       [](const Json&) {
         for (int i = 0;; ++i) {
           RecordOperation("add", i);
           ::usleep(200);
         }
       }},
      {"segv",
       [](const Json&) {
         ::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would exit
         ::raise(SIGSEGV);
       }},
      {"abort", [](const Json&) { std::abort(); }},
      {"exit", [](const Json& params) { ::_exit(static_cast<int>(GetInt(params, "code", 3))); }},
      {"orphan", [](const Json&) { Detach([] { Forever(); }); }},
      {"orphan-hang",
       [](const Json&) {
         Detach([] { Forever(); });
         Forever();
       }},
      {"ignore-sigterm",
       [](const Json&) {
         ::signal(SIGTERM, SIG_IGN);
         Detach([] { Forever(); });
         Forever();
       }},
      {"flood", [](const Json& params) { Flood(GetInt(params, "bytes", int64_t{1} << 30)); }},
      {"memory", [](const Json&) { HogMemory(); }},
      {"kill-runner",
       [](const Json&) {
         ::prctl(PR_SET_PDEATHSIG, 0);
         Detach([] { Forever(); });
         ::kill(Above(kRunnerName, 0), SIGKILL);
         Forever();
       }},
      {"kill-guardian",
       [](const Json&) {
         ::kill(Above(kGuardianName, 0), SIGKILL);
         Detach([] { Forever(); });
         Forever();
       }},
      {"kill-both-guardians",
       [](const Json&) {
         Detach([] { Forever(); });
         const pid_t second = Above(kGuardianName, 1);
         ::kill(Above(kGuardianName, 0), SIGKILL);
         ::kill(second, SIGKILL);
         Forever();
       }},
      {"stop-runner",
       [](const Json&) {
         ::kill(Above(kRunnerName, 0), SIGSTOP);
         Forever();
       }},
      {"stop-guardian", [](const Json&) { ::kill(Above(kGuardianName, 0), SIGSTOP); }},
      {"until-continued",  // records until somebody sends it SIGCONT
       [](const Json&) {
         ::signal(SIGCONT, [](int) { continued = 1; });
         for (int i = 0; continued == 0; ++i) {
           RecordOperation("add", i);
           ::usleep(200);  // on a loaded machine it is long before the harness has seen the third
         }
       }},
      {"worker",  // the signal that ended it
       [](const Json&) {
         const pid_t child = StartChild();
         RecordOperation("child", child);
         int status = 0;
         while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
         RecordOperation("signal", WTERMSIG(status));
       }},
      {"family",  // of children whose life ends with its own
       [](const Json&) {
         for (int i = 0; i < 50; ++i) {
           if (::fork() != 0) continue;
           ::prctl(PR_SET_PDEATHSIG, SIGKILL);
           Forever();
         }
         RecordOperation("children", 50);
         Forever();
       }},
      {"stopped-worker",  // until it goes on, which it can only when it was stopped
       [](const Json&) {
         const pid_t child = StartChild();
         RecordOperation("child", child);
         int status = 0;
         ::waitpid(child, &status, WCONTINUED);
         RecordOperation("continued", WIFCONTINUED(status) ? 1 : 0);
       }},
      {"look-at-limit",  // as the first thing that it does
       [](const Json&) {
         rlimit limit{};
         ::getrlimit(RLIMIT_NOFILE, &limit);
         RecordOperation("limit", static_cast<int64_t>(limit.rlim_cur));
       }},
      {"open-files",  // until it may open no more, and until it may again
       [](const Json&) {
         // As many as a limit of 64 does not allow, which leaves the runner what it needs itself.
         const auto open = [] {
           std::vector<UniqueFd> files;
           for (int i = 0; i < 64; ++i)
             files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
           return files.back().valid();
         };
         RetryUntil([&] { return !open(); });
         RecordOperation("errno", errno);
         RetryUntil(open);
         RecordOperation("open", 1);
       }},
      {"start-processes",  // the same
       [](const Json&) {
         const auto start = [] {
           const pid_t child = StartChild();
           if (child <= 0) return false;
           ::kill(child, SIGKILL);
           return ::waitpid(child, nullptr, 0) == child;
         };
         RetryUntil([&] { return !start(); });
         RecordOperation("errno", errno);
         RetryUntil(start);
         RecordOperation("start", 1);
       }},
      {"write-files",  // the same
       [](const Json&) {
         const GrowingFile file;
         RetryUntil([&] { return !file.Grow(); });
         RecordOperation("errno", errno);
         RetryUntil([&] { return file.Grow(); });
         RecordOperation("write", 1);
       }},
      {"listen", [](const Json&) { Listen(); }},
      {"served",  // until the server is gone, and until there is another
       [](const Json&) {
         if (::fork() == 0) {
           ::execl("/proc/self/exe", "server", "listen", nullptr);
           ::_exit(127);
         }
         const UniqueFd first = ConnectToServer();
         RecordOperation("connect", 1);
         char byte = 0;
         while (::read(first.get(), &byte, 1) < 0) continue;
         RecordOperation("end", 1);
         const UniqueFd second = ConnectToServer();
         RecordOperation("again", 1);
       }},
      {"await-load",  // until somebody spins, and until nobody does
       [](const Json&) {
         RetryUntil([] { return IsRunning("trireme-spin"); });
         RecordOperation("load", 1);
         RetryUntil([] { return !IsRunning("trireme-spin"); });
         RecordOperation("load", 0);
       }},
      {"stop-itself", [](const Json&) { ::raise(SIGSTOP); }},
      {"fork-bomb",
       [](const Json& params) { ForkBomb(static_cast<int>(GetInt(params, "count", 20)), 20000); }},
      {"remove-folder",
       [](const Json&) {
         (void)RemoveTree(".");
         (void)RemoveTree(::get_current_dir_name());
         std::printf("after it\n");
         (void)std::fflush(stdout);
       }},
      {"overwrite-recording",
       [](const Json&) {
         const int fd = ::open("history.ring", O_WRONLY);
         (void)!::pwrite(fd, "wild", 4, 0);
         ::close(fd);
       }},
      {"shadow-history", [](const Json&) { ::mkdir("history.trh", 0777); }},
      {"shadow-files",
       [](const Json&) {
         for (const char* name : {"stdout", "stderr", "stacks.txt"}) ::mkfifo(name, 0666);
         std::printf("hidden\n");
         (void)std::fflush(stdout);
       }},
      {"write-count",  // what it recorded, told on another way, so that a test can find a loss
       [](const Json&) {
         const int fd = ::open("count", O_RDWR | O_CREAT, 0666);
         (void)!::ftruncate(fd, sizeof(int64_t));
         auto* count = static_cast<int64_t*>(
             ::mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
         for (int64_t i = 1;; ++i) {
           RecordOperation("add", i);
           __atomic_store_n(count, i, __ATOMIC_SEQ_CST);
         }
       }},
  };
  return all;
}

struct Child {
  pid_t pid = 0;
  UniqueFd pidfd;
};

[[noreturn]] void RunTrial(const Json& message, Packet& packet, Channel& control) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, 0);
  ::dup2(packet.descriptors[0].get(), 1);
  ::dup2(packet.descriptors[1].get(), 2);
  ::dup2(packet.descriptors[2].get(), kStacksDescriptor);
  UniqueFd held(GetBool(message, "hold") ? packet.descriptors.at(3).Release() : -1);
  UniqueFd go(held.valid() ? packet.descriptors.at(4).Release() : -1);
  packet.descriptors.clear();
  control.Close();
  (void)!::chdir(GetString(message, "directory").c_str());
  if (const std::string temporary = GetString(message, "temporary"); !temporary.empty())
    ::setenv("TMPDIR", temporary.c_str(), 1);
  const Json& params = GetMember(message, "params");
  const auto bytes = static_cast<rlim_t>(GetInt(message, "memory"));
  if (bytes > 0 && !GetBool(params, "unlimited")) {
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    ::setrlimit(RLIMIT_AS, &limit);
  }
  ::signal(kStacksSignal, &WriteStacks);
  AttachRecorder(GetString(message, "history"));
  RecordBegin(message);
  if (char byte = 'h'; held.valid() && ::write(held.get(), &byte, 1) == 1)
    (void)!::read(go.get(), &byte, 1);
  held.Reset();
  go.Reset();
  const std::string what = GetString(params, "do", "return");
  if (const auto found = Behaviours().find(what); found != Behaviours().end())
    found->second(params);
  RecordEnd();
  ::_exit(0);
}

class FakeRunner {
 public:
  explicit FakeRunner(Channel control) : control_(std::move(control)) {}

  int Serve() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    while (true) {
      Result<std::optional<Packet>> received = control_.Receive();
      if (!received.ok() || !received->has_value()) return 0;
      const std::string type = GetString((*received)->message, "type");
      if (type == "load" && !Load((*received)->message)) return 1;
      if (type == "trial") Trial(**received);
    }
  }

 private:
  bool Load(const Json& message) {
    what_ = BaseName(GetString(message, "workload"));
    if (what_ == "load-crash") std::abort();
    if (what_ == "load-hang") Forever();
    if (what_ == "load-hang-to-fork" && GetString(message, "isolation") == "fork") Forever();
    if (what_ == "load-loop-to-fork" && GetString(message, "isolation") == "fork")
      UseTheProcessor(1000 * kNanosecondsPerSecond);
    if (what_ == "load-busily") UseTheProcessor(kNanosecondsPerSecond);
    if (what_ == "load-exit") {
      (void)!::write(2, "in the loader:\nno such module\n", 30);
      ::_exit(7);
    }
    if (what_ == "load-garbage") (void)!::write(control_.fd(), "garbage", 7);
    if (what_ == "load-refuse")
      return control_
          .Send({{"type", "refused"},
                 {"reason", "no-main"},
                 {"message", "there is no Main"},
                 {"line", 3}})
          .ok();
    Json threads = Json::array();
    if (what_ == "load-threads" && GetString(message, "isolation") == "fork")
      threads.push_back("ticker");
    return control_
        .Send({{"type", "ready"},
               {"version", 1},
               {"pid", ::getpid()},
               {"environment", {{"runtime", "fake"}}},
               {"threads", threads}})
        .ok();
  }

  void Trial(Packet& packet) {
    const std::string what = GetString(GetMember(packet.message, "params"), "runner");
    if (what == "crash-before-start") std::abort();
    if (what == "never-start") Forever();
    if (what == "garbage") (void)!::write(control_.fd(), "\xff\xfe{]", 4);
    if (what == "unknown-message") (void)control_.Send({{"type", "hello"}});
    if (what == "fails-first" && !std::exchange(failed_, true)) {
      (void)control_.Send({{"type", "failed"}, {"message", "there is no process to be had"}});
      return;
    }
    if (what == "ended-first") (void)control_.Send({{"type", "ended"}, {"pid", 1}, {"status", 0}});
    const pid_t pid = ::fork();
    if (pid == 0) RunTrial(packet.message, packet, control_);
    packet.descriptors.clear();
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const Json started = {{"type", "started"}, {"pid", pid}};
    (void)control_.Send(started, {pidfd.get()});
    if (what == "started-twice") (void)control_.Send(started, {pidfd.get()});
    if (what == "crash-while-running") std::abort();
    if (what == "close-socket") {
      control_.Close();
      Forever();
    }
    Await(pid, what);
  }

  void Await(pid_t pid, const std::string& what) {
    int status = 0;
    rusage usage{};
    while (::wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    Json orphans = Json::array();
    EndOrphans(orphans);
    if (what == "never-end") Forever();
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    (void)control_.Send({{"type", "ended"},
                         {"pid", what == "wrong-pid" ? 1 : pid},
                         {"status", status},
                         {"user", seconds(usage.ru_utime)},
                         {"system", seconds(usage.ru_stime)},
                         {"rss", usage.ru_maxrss * 1024},
                         {"orphans", orphans}});
  }

  static void EndOrphans(Json& orphans) {
    if (::waitpid(-1, nullptr, WNOHANG) < 0) return;  // the usual case, and the scan is dear
    for (const ProcessInfo& process : DescendantsOf(::getpid(), ReadProcessTable()))
      if (process.state != 'Z' && process.parent == ::getpid())
        orphans.push_back({{"pid", process.pid}, {"command", CommandLineOf(process.pid)}});
    EndChildren(10 * kNanosecondsPerSecond);
  }

  Channel control_;
  std::string what_;
  bool failed_ = false;
};

}  // namespace
}  // namespace trireme

// With an argument: does that, as no runner at all.
int main(int argc, char** argv) {
  if (argc > 1) {
    trireme::Behaviours().at(argv[1])(trireme::Json::object());
    return 0;
  }
  const char* descriptor = std::getenv("TRIREME_CONTROL_FD");
  if (descriptor == nullptr) return 2;
  return trireme::FakeRunner(trireme::Channel(trireme::UniqueFd(std::atoi(descriptor)))).Serve();
}
