#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/base/unique_fd.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace trireme {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe MakePipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<std::string> MergedEnvironment(const std::vector<std::string>& changes) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string name(text.substr(0, text.find('=') + 1));
    bool replaced = false;
    for (const std::string& change : changes) replaced = replaced || change.starts_with(name);
    if (!replaced) merged.emplace_back(text);
  }
  merged.insert(merged.end(), changes.begin(), changes.end());
  return merged;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

constexpr const char* kShortage =
    "this machine has no process, memory or descriptor left just now: end what you can spare, or "
    "raise the limit "
    "('ulimit -u', 'ulimit -n')";

Diagnostic StartError(const std::string& what, int error_number) {
  Diagnostic error = ErrnoError(what, error_number);
  for (const int shortage : {EAGAIN, ENOMEM, EMFILE, ENFILE})
    if (error_number == shortage) error.hint = kShortage;
  return error;
}

// fork(2), again after 10, 20, 40 ... 640 ms while there is no process or memory left.
pid_t PatientFork() {
  for (int64_t pause = 10 * kNanosecondsPerMillisecond;; pause *= 2) {
    const pid_t child = ::fork();
    const bool shortage = child < 0 && (errno == EAGAIN || errno == ENOMEM);
    if (!shortage || pause > 640 * kNanosecondsPerMillisecond) return child;
    const timespec time{.tv_sec = 0, .tv_nsec = pause};
    ::nanosleep(&time, nullptr);
  }
}

// Less than the hard limit that we were given, never more.
void LimitMemory(int64_t bytes) {
  rlimit limit{};
  if (bytes == 0 || ::getrlimit(RLIMIT_AS, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min(limit.rlim_max, static_cast<rlim_t>(bytes));
  (void)::setrlimit(RLIMIT_AS, &limit);
}

// Reads both pipes until they close or the deadline passes; false when it passed.
bool Drain(Pipe& out, Pipe& err, int64_t deadline, CommandOutcome& outcome) {
  std::array<char, 65536> buffer{};
  std::array<pollfd, 2> polled{{{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}}};
  while (polled[0].fd >= 0 || polled[1].fd >= 0) {
    int wait = -1;
    if (deadline > 0) {
      const int64_t left = deadline - SystemClock().Now();
      if (left <= 0) return false;
      wait = static_cast<int>(left / kNanosecondsPerMillisecond) + 1;
    }
    if (::poll(polled.data(), polled.size(), wait) < 0 && errno != EINTR) return true;
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      const ssize_t count = ::read(polled[i].fd, buffer.data(), buffer.size());
      if (count > 0)
        (i == 0 ? outcome.out : outcome.err).append(buffer.data(), static_cast<size_t>(count));
      else
        polled[i].fd = -1;
    }
  }
  return true;
}

// A process that leads the group of a command and ends all of it, itself too, once the pipe closes that it
// watches: a compiler driver that we are killed over leaves its compilers behind, which nothing else ends.
// It holds no descriptor of ours but that one.
[[noreturn]] void WatchGroup(int alive) {
  ::setpgid(0, 0);
  ::dup2(alive, 0);
  ::close_range(1, ~0U, 0);
  char byte = 0;
  while (::read(0, &byte, 1) < 0 && errno == EINTR) {
  }
  ::kill(0, SIGKILL);
  ::_exit(0);
}

// The watcher of one command, for as long as it runs.
class GroupWatcher {
 public:
  GroupWatcher() : alive_(MakePipe()) {
    if (!alive_.read.valid()) return;
    pid_ = PatientFork();
    if (pid_ == 0) {
      alive_.write.Reset();
      WatchGroup(alive_.read.get());
    }
    alive_.read.Reset();
    if (pid_ > 0) ::setpgid(pid_, pid_);  // whoever of us is first
  }
  // Ends what is left of the group.
  ~GroupWatcher() {
    if (pid_ <= 0) return;
    alive_.write.Reset();
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  GroupWatcher(const GroupWatcher&) = delete;
  GroupWatcher& operator=(const GroupWatcher&) = delete;

  // Below 1, there is none.
  pid_t group() const { return pid_; }

 private:
  Pipe alive_;
  pid_t pid_ = -1;
};

}  // namespace

Result<CommandOutcome> RunCommand(const std::vector<std::string>& argv,
                                  const CommandOptions& options) {
  Pipe out = MakePipe();
  Pipe err = MakePipe();
  Pipe failure = MakePipe();
  if (!out.read.valid() || !err.read.valid() || !failure.read.valid())
    return StartError("cannot make a pipe", errno);
  std::vector<std::string> words = argv;
  std::vector<std::string> environment = MergedEnvironment(options.environment);
  const std::vector<char*> argument_pointers = Pointers(words);
  const std::vector<char*> environment_pointers = Pointers(environment);
  const std::string program =
      argv[0].find('/') == std::string::npos ? FindProgram(argv[0]) : argv[0];
  if (program.empty()) return InfrastructureError("cannot run " + argv[0] + ": not found in PATH");

  const GroupWatcher watcher;
  if (watcher.group() < 1) return StartError("cannot start " + argv[0], errno);
  const pid_t self = ::getpid();
  const pid_t child = PatientFork();
  if (child < 0) return StartError("cannot start " + argv[0], errno);
  if (child == 0) {
    // A tool of ours ends with us, also when Ctrl-C ends only us.
    ::setpgid(0, watcher.group());
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != self) ::_exit(127);
    LimitMemory(options.memory);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 0);
    ::dup2(options.inherit_output ? 2 : out.write.get(), 1);
    if (!options.inherit_output) ::dup2(err.write.get(), 2);
    if (options.directory.empty() || ::chdir(options.directory.c_str()) == 0)
      ::execve(program.c_str(), argument_pointers.data(), environment_pointers.data());
    const int error = errno;
    (void)!::write(failure.write.get(), &error, sizeof(error));
    ::_exit(127);
  }
  out.write.Reset();
  err.write.Reset();
  failure.write.Reset();
  int error = 0;
  if (::read(failure.read.get(), &error, sizeof(error)) == sizeof(error)) {
    ::waitpid(child, nullptr, 0);
    return StartError("cannot run " + argv[0], error);
  }
  CommandOutcome outcome;
  const int64_t deadline = options.timeout == 0 ? 0 : SystemClock().Now() + options.timeout;
  if (!Drain(out, err, deadline, outcome)) {
    outcome.timed_out = true;
    ::kill(-watcher.group(), SIGKILL);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

bool IsShortage(const Diagnostic& error) { return error.hint == kShortage; }

std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : Split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    std::string candidate = JoinPath(folder.empty() ? "." : folder, name);
    if (!IsDirectory(candidate) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

}  // namespace trireme
