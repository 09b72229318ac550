// poll() and select(): who is in one waits for each of its descriptors. epoll_wait() says nothing of descriptors; what is
// registered is known from epoll_ctl(). All of them are where loops wait.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "harness/probe/clock_faults.h"
#include "harness/probe/faulty_calls.h"
#include "harness/probe/held_back.h"
#include "harness/probe/loops.h"
#include "harness/probe/next.h"
#include "harness/probe/own_scheduler.h"
#include "harness/probe/ready_descriptors.h"
#include "harness/probe/recorder.h"
#include "harness/probe/set_pollers.h"
#include "harness/probe/waits.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

void Begin(int fd, bool reads, bool writes, const void* caller) {
  if (reads) BeginWait(fd, kRead, How::kPoll, kUnknownSize, {caller, 0});
  if (writes) BeginWait(fd, kWrite, How::kPoll, kUnknownSize, {caller, 0});
}

void End(int fd, bool reads, bool writes) {
  if (reads) EndPoll(fd, kRead);
  if (writes) EndPoll(fd, kWrite);
}

// How long a call may take, in nanoseconds.
constexpr int64_t kForEver = -1;
constexpr int64_t kAsGiven = -2;  // as the program says

int64_t Milliseconds(int timeout) {
  return timeout < 0 ? kForEver : static_cast<int64_t>(timeout) * 1000000;
}
int64_t Nanoseconds(const timespec* timeout) {
  return timeout == nullptr ? kForEver : timeout->tv_sec * int64_t{1000000000} + timeout->tv_nsec;
}
// Rounded up: a poll must not come back too early.
int AsMilliseconds(int64_t nanoseconds) {
  if (nanoseconds < 0) return -1;
  const int64_t milliseconds = (nanoseconds + 999999) / 1000000;
  return milliseconds > 0x7fffffff ? 0x7fffffff : static_cast<int>(milliseconds);
}
timespec TimespecOf(int64_t nanoseconds) {
  return {.tv_sec = static_cast<time_t>(nanoseconds / 1000000000),
          .tv_nsec = static_cast<long>(nanoseconds % 1000000000)};
}

// Repeats a call of at most `timeout` while some of what it asks for is held back: `call` is made for so long, and says
// when the first of those comes free (~0: none is).
template <typename Call>
int WhileHeldBack(int64_t timeout, const Call& call) {
  const uint64_t begin = Now();
  for (;;) {
    const uint64_t now = Now();
    const auto passed = static_cast<int64_t>(now - begin);
    const int64_t left = timeout < 0 ? kForEver : passed < timeout ? timeout - passed : 0;
    uint64_t until = ~uint64_t{0};
    const int result = call(left, now, &until);
    if (result != 0 || until == ~uint64_t{0} || left == 0) return result;
  }
}

int64_t Shorter(int64_t left, uint64_t now, uint64_t until) {
  if (until == ~uint64_t{0}) return left;
  const int64_t rest = until > now ? static_cast<int64_t>(until - now) : 0;
  return left < 0 || rest < left ? rest : left;
}

template <typename Call>
int PollShown(pollfd* fds, nfds_t count, int64_t timeout, const Call& call) {
  return WhileHeldBack(timeout, [&](int64_t left, uint64_t now, uint64_t* until) {
    const HiddenFromPoll hidden(fds, count);
    *until = hidden.until();
    return call(Shorter(left, now, *until));
  });
}

// What a plan says of a call that waits for events: false, and what it gives instead.
bool MayWait(int* result) {
  int error = 0;
  if (ActivePlan() == nullptr || !CallFails(TRIREME_CALL_EPOLL_WAIT, &error)) return true;
  *result = error == kSpurious ? 0 : -1;
  if (error != kSpurious) errno = error;
  return false;
}

void NoteSleepInPoll(const pollfd* fds, nfds_t count) {
  for (nfds_t i = 0; i < count; ++i)
    if (((fds[i].events & POLLIN) != 0 && NoteSleepFor(fds[i].fd, kRead)) ||
        ((fds[i].events & POLLOUT) != 0 && NoteSleepFor(fds[i].fd, kWrite)))
      return;
}

// Makes the call as one that waits for `fds`.
template <typename Call>
int Poll(const void* caller, pollfd* fds, nfds_t count, int64_t timeout, const Call& wait) {
  int planned = 0;
  if (!MayWait(&planned)) {
    for (nfds_t i = 0; planned == 0 && i < count; ++i) fds[i].revents = 0;
    return planned;
  }
  const bool waits = timeout != 0;
  const auto call = [&] {
    return fds != nullptr && AnyHeldBack() ? PollShown(fds, count, timeout, wait) : wait(kAsGiven);
  };
  if (waits && fds != nullptr && RunsWithoutHub()) [[unlikely]]
    NoteSleepInPoll(fds, count);
  const LoopPoll poll(count != 0);
  if (!waits || fds == nullptr) {
    const int result = call();
    poll.End(result);
    return result;
  }
  for (nfds_t i = 0; i < count; ++i)
    Begin(fds[i].fd, (fds[i].events & POLLIN) != 0, (fds[i].events & POLLOUT) != 0, caller);
  const int result = call();
  const int error = errno;
  poll.End(result);
  for (nfds_t i = 0; i < count; ++i)
    End(fds[i].fd, (fds[i].events & POLLIN) != 0, (fds[i].events & POLLOUT) != 0);
  errno = error;
  return result;
}

// The sets are overwritten by the call.
class Sets {
 public:
  Sets(int count, const fd_set* reads, const fd_set* writes)
      : count_(count < FD_SETSIZE ? count : FD_SETSIZE) {
    FD_ZERO(&reads_);
    FD_ZERO(&writes_);
    if (reads != nullptr) __builtin_memcpy(&reads_, reads, size());
    if (writes != nullptr) __builtin_memcpy(&writes_, writes, size());
  }
  // Writes them to where they were read from.
  void PutBack(fd_set* reads, fd_set* writes) const {
    if (reads != nullptr) __builtin_memcpy(reads, &reads_, size());
    if (writes != nullptr) __builtin_memcpy(writes, &writes_, size());
  }
  template <typename Function>
  void ForEach(Function function) const {
    for (int fd = 0; fd < count_; ++fd) {
      const bool reads = FD_ISSET(fd, &reads_);
      const bool writes = FD_ISSET(fd, &writes_);
      if (reads || writes) function(fd, reads, writes);
    }
  }

 private:
  // As many words as the call looks at: a program need not have more.
  size_t size() const {
    return static_cast<size_t>(count_ < 0 ? 0 : count_ + 63) / 64 * sizeof(uint64_t);
  }

  int count_;
  fd_set reads_;
  fd_set writes_;
};

void NoteSleepInSelect(const Sets& sets) {
  bool noted = false;
  sets.ForEach([&](int fd, bool read, bool write) {
    if (!noted)
      noted = (read && NoteSleepFor(fd, kRead)) || (write && NoteSleepFor(fd, kWrite));
  });
}

template <typename Call>
int SelectShown(int count, fd_set* reads, fd_set* writes, int64_t timeout, const Call& call) {
  const Sets sets(count, reads, writes);
  return WhileHeldBack(timeout, [&](int64_t left, uint64_t now, uint64_t* until) {
    sets.PutBack(reads, writes);
    *until = HideFromSelect(count, reads, writes);
    return call(Shorter(left, now, *until));
  });
}

template <typename Call>
int Select(const void* caller, int count, fd_set* reads, fd_set* writes, int64_t timeout,
           const Call& wait) {
  int planned = 0;
  if (!MayWait(&planned)) {
    if (planned == 0) Sets(count, nullptr, nullptr).PutBack(reads, writes);
    return planned;
  }
  const bool waits = timeout != 0;
  const auto call = [&] {
    return AnyHeldBack() ? SelectShown(count, reads, writes, timeout, wait) : wait(kAsGiven);
  };
  const Sets sets(waits ? count : 0, reads, writes);
  if (RunsWithoutHub()) [[unlikely]]
    NoteSleepInSelect(sets);
  const LoopPoll poll(count > 0);
  if (!waits) {
    const int result = call();
    poll.End(result);
    return result;
  }
  sets.ForEach([&](int fd, bool read, bool write) { Begin(fd, read, write, caller); });
  const int result = call();
  const int error = errno;
  poll.End(result);
  sets.ForEach(End);
  errno = error;
  return result;
}

template <typename Function, typename... Arguments>
int WaitInSet(const void* caller, bool waits, Next<Function>& next, int set, epoll_event* events,
              Arguments... arguments) {
  int planned = 0;
  if (!MayWait(&planned)) return planned;
  if (waits) NoteSleepInSet();
  const LoopPoll poll(true);
  const SetPoll set_poll(set, waits, caller);
  const int result = next(set, events, arguments...);
  set_poll.End(result);
  poll.End(result);
  if (result > 0 && TakeReadyAsk()) [[unlikely]]
    TellReady(set, events, result);
  return result;
}

int64_t Nanoseconds(const timeval* timeout) {
  return timeout == nullptr ? kForEver
                            : timeout->tv_sec * int64_t{1000000000} + timeout->tv_usec * 1000;
}

}  // namespace
}  // namespace trireme

using trireme::Next;

TRIREME_INTERPOSED int poll(pollfd* fds, nfds_t count, int timeout) {
  const trireme::WaitThroughChanges wait;
  timeout = trireme::LaterTimeout(timeout);
  static Next<int(pollfd*, nfds_t, int)> next("poll");
  return trireme::Poll(
      __builtin_return_address(0), fds, count, trireme::Milliseconds(timeout), [&](int64_t limit) {
        return next(fds, count,
                    limit == trireme::kAsGiven ? timeout : trireme::AsMilliseconds(limit));
      });
}

TRIREME_INTERPOSED int __poll_chk(pollfd* fds, nfds_t count, int timeout, size_t room) {
  const trireme::WaitThroughChanges wait;
  timeout = trireme::LaterTimeout(timeout);
  static Next<int(pollfd*, nfds_t, int, size_t)> next("__poll_chk");
  return trireme::Poll(
      __builtin_return_address(0), fds, count, trireme::Milliseconds(timeout), [&](int64_t limit) {
        return next(fds, count,
                    limit == trireme::kAsGiven ? timeout : trireme::AsMilliseconds(limit), room);
      });
}

TRIREME_INTERPOSED int ppoll(pollfd* fds, nfds_t count, const timespec* timeout,
                             const sigset_t* mask) {
  const trireme::WaitThroughChanges wait;
  timespec place;
  timeout = trireme::LaterTimeout(timeout, &place);
  static Next<int(pollfd*, nfds_t, const timespec*, const sigset_t*)> next("ppoll");
  return trireme::Poll(__builtin_return_address(0), fds, count, trireme::Nanoseconds(timeout),
                       [&](int64_t limit) {
                         if (limit < 0) return next(fds, count, timeout, mask);
                         const timespec time = trireme::TimespecOf(limit);
                         return next(fds, count, &time, mask);
                       });
}

TRIREME_INTERPOSED int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout,
                                   const sigset_t* mask, size_t room) {
  const trireme::WaitThroughChanges wait;
  timespec place;
  timeout = trireme::LaterTimeout(timeout, &place);
  static Next<int(pollfd*, nfds_t, const timespec*, const sigset_t*, size_t)> next("__ppoll_chk");
  return trireme::Poll(__builtin_return_address(0), fds, count, trireme::Nanoseconds(timeout),
                       [&](int64_t limit) {
                         if (limit < 0) return next(fds, count, timeout, mask, room);
                         const timespec time = trireme::TimespecOf(limit);
                         return next(fds, count, &time, mask, room);
                       });
}

TRIREME_INTERPOSED int select(int count, fd_set* reads, fd_set* writes, fd_set* others,
                              timeval* timeout) {
  const trireme::WaitThroughChanges wait;
  timeval place;
  timeout = trireme::LaterTimeout(timeout, &place);
  static Next<int(int, fd_set*, fd_set*, fd_set*, timeval*)> next("select");
  return trireme::Select(
      __builtin_return_address(0), count, reads, writes, trireme::Nanoseconds(timeout),
      [&](int64_t limit) {
        if (limit < 0) return next(count, reads, writes, others, timeout);
        timeval time = {.tv_sec = static_cast<time_t>(limit / 1000000000),
                        .tv_usec = static_cast<suseconds_t>((limit % 1000000000 + 999) / 1000)};
        return next(count, reads, writes, others, &time);
      });
}

TRIREME_INTERPOSED int pselect(int count, fd_set* reads, fd_set* writes, fd_set* others,
                               const timespec* timeout, const sigset_t* mask) {
  const trireme::WaitThroughChanges wait;
  timespec place;
  timeout = trireme::LaterTimeout(timeout, &place);
  static Next<int(int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*)> next(
      "pselect");
  return trireme::Select(__builtin_return_address(0), count, reads, writes,
                         trireme::Nanoseconds(timeout), [&](int64_t limit) {
                           if (limit < 0) return next(count, reads, writes, others, timeout, mask);
                           const timespec time = trireme::TimespecOf(limit);
                           return next(count, reads, writes, others, &time, mask);
                         });
}

TRIREME_INTERPOSED int epoll_wait(int set, epoll_event* events, int room, int timeout) {
  const trireme::WaitThroughChanges wait;
  timeout = trireme::LaterTimeout(timeout);
  static Next<int(int, epoll_event*, int, int)> next("epoll_wait");
  return trireme::WaitInSet(__builtin_return_address(0), timeout != 0, next, set, events, room,
                            timeout);
}

TRIREME_INTERPOSED int epoll_pwait(int set, epoll_event* events, int room, int timeout,
                                   const sigset_t* mask) {
  const trireme::WaitThroughChanges wait;
  timeout = trireme::LaterTimeout(timeout);
  static Next<int(int, epoll_event*, int, int, const sigset_t*)> next("epoll_pwait");
  return trireme::WaitInSet(__builtin_return_address(0), timeout != 0, next, set, events, room,
                            timeout, mask);
}

// Since glibc 2.35: who calls it has it.
TRIREME_INTERPOSED int epoll_pwait2(int set, epoll_event* events, int room, const timespec* timeout,
                                    const sigset_t* mask) {
  const trireme::WaitThroughChanges wait;
  timespec place;
  timeout = trireme::LaterTimeout(timeout, &place);
  static Next<int(int, epoll_event*, int, const timespec*, const sigset_t*)> next("epoll_pwait2");
  if (next.get() == nullptr) {
    errno = ENOSYS;
    return -1;
  }
  return trireme::WaitInSet(__builtin_return_address(0), trireme::Nanoseconds(timeout) != 0, next,
                            set, events, room, timeout, mask);
}
