// poll() and select(): who is in one waits for each of its descriptors. epoll_wait() says nothing of descriptors; what is
// registered is known from epoll_ctl(). All of them are where loops wait.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "harness/probe/loops.h"
#include "harness/probe/next.h"
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

// Makes the call as one that waits for `fds`.
template <typename Call>
int Poll(const void* caller, pollfd* fds, nfds_t count, bool waits, Call call) {
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
    // As many words as the call looks at: a program need not have more.
    const size_t size = static_cast<size_t>(count_ < 0 ? 0 : count_ + 63) / 64 * sizeof(uint64_t);
    if (reads != nullptr) __builtin_memcpy(&reads_, reads, size);
    if (writes != nullptr) __builtin_memcpy(&writes_, writes, size);
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
  int count_;
  fd_set reads_;
  fd_set writes_;
};

template <typename Call>
int Select(const void* caller, int count, const fd_set* reads, const fd_set* writes, bool waits,
           Call call) {
  const LoopPoll poll(count > 0);
  if (!waits) {
    const int result = call();
    poll.End(result);
    return result;
  }
  const Sets sets(count, reads, writes);
  sets.ForEach([&](int fd, bool read, bool write) { Begin(fd, read, write, caller); });
  const int result = call();
  const int error = errno;
  poll.End(result);
  sets.ForEach(End);
  errno = error;
  return result;
}

template <typename Function, typename... Arguments>
int WaitInSet(Next<Function>& next, Arguments... arguments) {
  const LoopPoll poll(true);
  const int result = next(arguments...);
  poll.End(result);
  return result;
}

bool IsZero(const timespec* timeout) {
  return timeout != nullptr && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
}
bool IsZero(const timeval* timeout) {
  return timeout != nullptr && timeout->tv_sec == 0 && timeout->tv_usec == 0;
}

}  // namespace
}  // namespace trireme

using trireme::Next;

TRIREME_INTERPOSED int poll(pollfd* fds, nfds_t count, int timeout) {
  static Next<int(pollfd*, nfds_t, int)> next("poll");
  return trireme::Poll(__builtin_return_address(0), fds, count, timeout != 0,
                       [&] { return next(fds, count, timeout); });
}

TRIREME_INTERPOSED int __poll_chk(pollfd* fds, nfds_t count, int timeout, size_t room) {
  static Next<int(pollfd*, nfds_t, int, size_t)> next("__poll_chk");
  return trireme::Poll(__builtin_return_address(0), fds, count, timeout != 0,
                       [&] { return next(fds, count, timeout, room); });
}

TRIREME_INTERPOSED int ppoll(pollfd* fds, nfds_t count, const timespec* timeout,
                             const sigset_t* mask) {
  static Next<int(pollfd*, nfds_t, const timespec*, const sigset_t*)> next("ppoll");
  return trireme::Poll(__builtin_return_address(0), fds, count, !trireme::IsZero(timeout),
                       [&] { return next(fds, count, timeout, mask); });
}

TRIREME_INTERPOSED int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout,
                                   const sigset_t* mask, size_t room) {
  static Next<int(pollfd*, nfds_t, const timespec*, const sigset_t*, size_t)> next("__ppoll_chk");
  return trireme::Poll(__builtin_return_address(0), fds, count, !trireme::IsZero(timeout),
                       [&] { return next(fds, count, timeout, mask, room); });
}

TRIREME_INTERPOSED int select(int count, fd_set* reads, fd_set* writes, fd_set* others,
                              timeval* timeout) {
  static Next<int(int, fd_set*, fd_set*, fd_set*, timeval*)> next("select");
  return trireme::Select(__builtin_return_address(0), count, reads, writes,
                         !trireme::IsZero(timeout),
                         [&] { return next(count, reads, writes, others, timeout); });
}

TRIREME_INTERPOSED int pselect(int count, fd_set* reads, fd_set* writes, fd_set* others,
                               const timespec* timeout, const sigset_t* mask) {
  static Next<int(int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*)> next(
      "pselect");
  return trireme::Select(__builtin_return_address(0), count, reads, writes,
                         !trireme::IsZero(timeout),
                         [&] { return next(count, reads, writes, others, timeout, mask); });
}

TRIREME_INTERPOSED int epoll_wait(int set, epoll_event* events, int room, int timeout) {
  static Next<int(int, epoll_event*, int, int)> next("epoll_wait");
  return trireme::WaitInSet(next, set, events, room, timeout);
}

TRIREME_INTERPOSED int epoll_pwait(int set, epoll_event* events, int room, int timeout,
                                   const sigset_t* mask) {
  static Next<int(int, epoll_event*, int, int, const sigset_t*)> next("epoll_pwait");
  return trireme::WaitInSet(next, set, events, room, timeout, mask);
}

// Since glibc 2.35: who calls it has it.
TRIREME_INTERPOSED int epoll_pwait2(int set, epoll_event* events, int room, const timespec* timeout,
                                    const sigset_t* mask) {
  static Next<int(int, epoll_event*, int, const timespec*, const sigset_t*)> next("epoll_pwait2");
  if (next.get() == nullptr) {
    errno = ENOSYS;
    return -1;
  }
  return trireme::WaitInSet(next, set, events, room, timeout, mask);
}
