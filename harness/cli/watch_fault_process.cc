#include "harness/cli/watch_fault_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "harness/base/check.h"
#include "harness/base/clock.h"
#include "harness/engine/trial_faults.h"

namespace trireme {
namespace {

struct Order {
  pid_t program;
  int64_t begin;
};

// False once `trireme` has ended or said so: it closes its end then, and never says more than one order.
bool AwaitUntil(int orders, int64_t time) {
  const int64_t left = std::max<int64_t>(time - SystemClock().Now(), 0);
  const timespec timeout{.tv_sec = left / kNanosecondsPerSecond,
                         .tv_nsec = left % kNanosecondsPerSecond};
  pollfd end = {.fd = orders, .events = 0, .revents = 0};  // POLLHUP comes unasked
  return ::ppoll(&end, 1, time == kNever ? nullptr : &timeout, nullptr) <= 0;
}

void Inject(const FaultPlan& plan, const std::string& recording, HarnessEvents* events,
            int orders) {
  Order order{};
  ssize_t size = 0;
  do size = ::read(orders, &order, sizeof(order));
  while (size < 0 && errno == EINTR);
  if (size != sizeof(order)) return;  // the program was not started
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, order.program, 0)));
  events->SetProcess(order.program);
  TrialFaults faults(plan, events);
  faults.Start({.process = order.program,
                .pidfd = pidfd.get(),
                .recording = recording,
                .begin = order.begin});
  do faults.OnTime(SystemClock().Now());
  while (AwaitUntil(orders, faults.deadline()));
}

// What a terminal or a supervisor sends is for the program, and for `trireme`, with which this ends.
void IgnoreSignals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

Result<WatchFaultProcess> WatchFaultProcess::Start(const FaultPlan& plan,
                                                   const std::string& recording,
                                                   HarnessEvents* events) {
  std::array<int, 2> pipe{-1, -1};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return ErrnoError("cannot make a pipe to the process of the faults", errno);
  const UniqueFd reads(pipe[0]);
  UniqueFd writes(pipe[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return ErrnoError("cannot start a process for the faults", errno);
  if (pid == 0) {
    writes.Reset();
    IgnoreSignals();
    ::prctl(PR_SET_NAME, "trireme-faults");
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    Inject(plan, recording, events, reads.get());
    ::_exit(0);
  }
  return WatchFaultProcess(pid, std::move(writes));
}

WatchFaultProcess::WatchFaultProcess(WatchFaultProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), orders_(std::move(other.orders_)) {}

WatchFaultProcess::~WatchFaultProcess() { End(); }

void WatchFaultProcess::Begin(pid_t program, int64_t begin) const {
  const Order order{.program = program, .begin = begin};
  // Whom it does not reach any more was killed: then the plan is not reached.
  (void)!::write(orders_.get(), &order, sizeof(order));
}

pid_t WatchFaultProcess::Killed() {
  if (pid_ == 0 || ::waitpid(pid_, nullptr, WNOHANG) != pid_) return 0;
  return std::exchange(pid_, 0);
}

void WatchFaultProcess::End() {
  orders_.Reset();
  const pid_t pid = std::exchange(pid_, 0);
  while (pid != 0 && ::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace trireme
