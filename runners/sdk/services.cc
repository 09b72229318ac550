#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <thread>

#include "harness/base/unique_fd.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/wait.h"
#include "trireme/runtime.h"

extern char** environ;

namespace trireme {
namespace {

using internal::Job;

// A job on a thread of its own, and the task that waits for it. Shared by the two, since the one
// may be stopped while the other goes on.
class HelperCall {
 public:
  explicit HelperCall(std::shared_ptr<Job> job) : job_(std::move(job)) {}

  static std::shared_ptr<HelperCall> Begin(std::shared_ptr<Job> job) {
    auto call = std::make_shared<HelperCall>(std::move(job));
    std::thread([call, task = Probe().current_task()] {
      Probe().serve(task);
      call->Run();
    }).detach();
    return call;
  }

  bool Ended(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (!ended_) waiters_.Add(waiter);
    return ended_;
  }
  void Abandon(Waiter& waiter) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    waiters_.Remove(waiter);
  }
  // Nobody waits for it any more.
  void Abort() { job_->Abort(); }
  void Rethrow() TRIREME_EXCLUDES(mutex_) {
    std::exception_ptr error;
    {
      MutexLock lock(mutex_);
      error = error_;
    }
    if (error) std::rethrow_exception(error);
  }

 private:
  void Run() TRIREME_EXCLUDES(mutex_) {
    std::exception_ptr error;
    try {
      job_->Run();
    } catch (...) {
      error = std::current_exception();
    }
    MutexLock lock(mutex_);
    error_ = error;
    ended_ = true;
    waiters_.WakeAll();
  }

  const std::shared_ptr<Job> job_;
  Mutex mutex_;
  bool ended_ TRIREME_GUARDED_BY(mutex_) = false;
  std::exception_ptr error_ TRIREME_GUARDED_BY(mutex_);
  WaitList waiters_ TRIREME_GUARDED_BY(mutex_);
};

class WaitHelper : public WaitOperation {
 public:
  WaitHelper(TaskState& task, HelperCall* call) : call_(*call), waiter_{.task = &task} {}
  ~WaitHelper() { call_.Abandon(waiter_); }
  bool Try() { return call_.Ended(waiter_); }

 private:
  HelperCall& call_;
  Waiter waiter_;
};

Task<> RunOnHelper(const char* kind, std::shared_ptr<Job> job) {
  CurrentTaskState().ThrowIfStopped();
  const std::shared_ptr<HelperCall> call = HelperCall::Begin(std::move(job));
  try {
    co_await Await<WaitHelper>(kind, call.get());
  } catch (...) {
    call->Abort();
    throw;
  }
  call->Rethrow();
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw IoError(errno, "pipe");
  return {.read = UniqueFd(ends[0]), .write = UniqueFd(ends[1])};
}

void SetNonBlocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

// A program from its start to its end: fed, read and waited for with poll(2), on a thread that may
// block.
class ProgramJob final : public Job {
 public:
  ProgramJob(std::vector<std::string> argv, std::string input)
      : argv_(std::move(argv)), input_(std::move(input)), abort_(::eventfd(0, EFD_CLOEXEC)) {}

  void Run() override {
    in_ = MakePipe();
    out_ = MakePipe();
    err_ = MakePipe();
    Spawn();
    in_.read.Reset();
    out_.write.Reset();
    err_.write.Reset();
    for (const int fd : {in_.write.get(), out_.read.get(), err_.read.get()}) SetNonBlocking(fd);
    if (input_.empty()) in_.write.Reset();
    while (in_.write.valid() || out_.read.valid() || err_.read.valid()) Exchange();
    Reap();
  }
  void Abort() override {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(abort_.get(), &one, sizeof(one));
  }

  Completed completed;

 private:
  void Spawn() {
    std::vector<char*> arguments;
    for (std::string& word : argv_) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (argv_.empty()) throw IoError(ENOENT, "no program");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in_.read.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out_.write.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, err_.write.get(), STDERR_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const int error =
        ::posix_spawnp(&child_, arguments[0], &actions, &attributes, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) throw IoError(error, argv_.front());
  }

  void Exchange() {
    std::array<pollfd, 4> watched = {
        pollfd{.fd = in_.write.get(), .events = POLLOUT, .revents = 0},
        pollfd{.fd = out_.read.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = err_.read.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = aborted_ ? -1 : abort_.get(), .events = POLLIN, .revents = 0}};
    if (::poll(watched.data(), watched.size(), -1) < 0) return;
    if (watched[3].revents != 0) {
      aborted_ = true;
      ::kill(child_, SIGKILL);
      in_.write.Reset();
      out_.read.Reset();
      err_.read.Reset();
      return;
    }
    if (watched[0].revents != 0) Feed();
    if (watched[1].revents != 0) Collect(out_.read, completed.out);
    if (watched[2].revents != 0) Collect(err_.read, completed.err);
  }

  void Feed() {
    const ssize_t written = ::write(in_.write.get(), input_.data() + fed_, input_.size() - fed_);
    if (written > 0)
      fed_ += static_cast<size_t>(written);
    else if (errno != EAGAIN && errno != EINTR)
      fed_ = input_.size();  // it does not read on
    if (fed_ == input_.size()) in_.write.Reset();
  }

  static void Collect(UniqueFd& from, std::string& into) {
    std::array<char, 65536> buffer;
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got > 0)
      into.append(buffer.data(), static_cast<size_t>(got));
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
      from.Reset();
  }

  void Reap() {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) continue;
    completed.returncode = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  std::vector<std::string> argv_;
  std::string input_;
  size_t fed_ = 0;
  Pipe in_;
  Pipe out_;
  Pipe err_;
  UniqueFd abort_;
  bool aborted_ = false;
  pid_t child_ = -1;
};

class ResolveJob final : public Job {
 public:
  explicit ResolveJob(std::string host) : host_(std::move(host)) {}

  void Run() override {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host_.c_str(), nullptr, &hints, &found);
    if (error != 0) throw ResolveError(error, host_);
    for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
      std::array<char, NI_MAXHOST> text{};
      if (::getnameinfo(info->ai_addr, info->ai_addrlen, text.data(), text.size(), nullptr, 0,
                        NI_NUMERICHOST) == 0)
        addresses.emplace_back(text.data());
    }
    ::freeaddrinfo(found);
  }

  std::vector<std::string> addresses;

 private:
  std::string host_;
};

}  // namespace

namespace internal {

Task<> RunElsewhere(std::shared_ptr<Job> job) { return RunOnHelper("offload", std::move(job)); }

}  // namespace internal

Task<Completed> Runtime::Subprocess(Arguments argv, std::string input, internal::Place place) {
  internal::ComeTo(place);
  if (argv.words().empty()) throw std::invalid_argument("rt.Subprocess(): names no program");
  auto job = std::make_shared<ProgramJob>(std::move(argv.words()), std::move(input));
  co_await RunOnHelper("subprocess", job);
  co_return std::move(job->completed);
}

Task<std::vector<std::string>> Runtime::Resolve(std::string host, internal::Place place) {
  internal::ComeTo(place);
  auto job = std::make_shared<ResolveJob>(std::move(host));
  co_await RunOnHelper("resolve", job);
  co_return std::move(job->addresses);
}

}  // namespace trireme
