// What gives and takes descriptors: their numbers are reused, and what is known of one is not of the next.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/addresses.h"
#include "harness/probe/connections.h"
#include "harness/probe/faulty_calls.h"
#include "harness/probe/held_back.h"
#include "harness/probe/late_errors.h"
#include "harness/probe/next.h"
#include "harness/probe/ports.h"
#include "harness/probe/postponed.h"
#include "harness/probe/recorder.h"
#include "harness/probe/registrations.h"
#include "harness/probe/routes.h"
#include "harness/probe/waits.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

int New(int fd) {
  if (fd < 0) return fd;
  Forget(fd);
  ForgetAccepts(fd);
  return fd;
}

int NewPair(int result, const int* fds) {
  if (result == 0) {
    Forget(fds[0]);
    Forget(fds[1]);
  }
  return result;
}

int Copied(int fd, int copy) {
  if (copy >= 0 && !IsVforked()) CopyDescriptor(fd, copy);
  return copy;
}

// The call that the plan may let fail before it takes a descriptor.
template <typename Call>
int Take(const Call& call) {
  int error = 0;
  if (ActivePlan() != nullptr && CallFails(TRIREME_CALL_SOCKET, &error)) {
    errno = error;
    return -1;
  }
  return call();
}

// Calls accept such that it tells who connected, to the caller too where that one asks. Peer.size: 0 where the caller has no
// room for it.
template <typename Call>
int AcceptFrom(Peer& peer, sockaddr* address, socklen_t* length, const Call& call) {
  if (address == nullptr || length == nullptr)
    return call(address == nullptr ? reinterpret_cast<sockaddr*>(&peer.address) : address,
                address == nullptr ? &peer.size : length);
  const socklen_t room = *length;
  const int fd = call(address, length);
  const bool whole = fd >= 0 && *length <= room && *length <= sizeof(peer.address);
  peer.size = whole ? *length : 0;
  memcpy(&peer.address, address, peer.size);
  return fd;
}

// The same call where a plan may have a fault for it.
template <typename Call>
int AcceptWithFaults(int listener, sockaddr* address, socklen_t* length, const Call& call) {
  int error = 0;
  trireme_listener* turn = nullptr;
  Peer peer{{}, sizeof(sockaddr_storage)};
  const bool fails = AcceptFails(listener, &error, &turn);
  const int fd = fails ? -1 : New(AcceptFrom(peer, address, length, call));
  const int given = fails ? error : errno;
  EndAccept(&turn);
  errno = given;
  if (fails) return -1;
  if (fd < 0 || KeepAccepted(fd, peer, &error)) return fd;
  errno = error;
  return -1;
}

template <typename Function, typename... Flags>
int Accept(const Caller& caller, int fd, Next<Function>& next, sockaddr* address,
           socklen_t* length, Flags... flags) {
  const Wait wait = BeginWait(fd, kRead, How::kAccept, kUnknownSize, caller);
  const auto call = [&](sockaddr* to, socklen_t* size) { return next(fd, to, size, flags...); };
  const int result = ActivePlan() == nullptr ? New(call(address, length))
                                             : AcceptWithFaults(fd, address, length, call);
  EndWait(wait, result < 0 ? -errno : 0);
  return result;
}

// Both ends of it are known to the plan.
int FollowPair(int result, const int* fds, bool sockets) {
  if (result == 0 && ActivePlan() != nullptr) {
    const int error = errno;
    OpenPair(fds, sockets);
    errno = error;
  }
  return result;
}

int Fcntl(int fd, int command, void* argument, Next<int(int, int, ...)>& next) {
  const int result = next(fd, command, argument);
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? Copied(fd, result) : result;
}

// Another socket of this machine may have the port that was chosen, or a connection to the same server that is over.
template <typename Call>
int ConnectFrom(int fd, const sockaddr* address, socklen_t length, ClientPort* port,
                const Call& connect) {
  int result = connect();
  if (result == 0 || errno != EADDRNOTAVAIL || !HasWayTo(address, length)) return result;
  while (result != 0 && errno == EADDRNOTAVAIL && MoveClient(fd, address, length, port))
    result = connect();
  // Nor can it be bound to any: so many connections have just ended that only a connect gets one of theirs.
  if (result == 0 || errno != EADDRNOTAVAIL || !port->GiveBack()) return result;
  result = connect();
  NameConnected(fd, address, length);
  return result;
}

// Makes a connection as a call does whose wait is interrupted at once: -1 and EINTR where it was begun or made.
template <typename Call>
int InterruptConnect(int fd, const Call& connect) {
  const long flags = syscall(SYS_fcntl, fd, F_GETFL);
  syscall(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
  const int result = connect();
  const int error = result == 0 || errno == EINPROGRESS ? EINTR : errno;
  syscall(SYS_fcntl, fd, F_SETFL, flags);
  errno = error;
  return -1;
}

}  // namespace
}  // namespace trireme

using trireme::Next;

TRIREME_INTERPOSED int socket(int domain, int type, int protocol) {
  static Next<int(int, int, int)> next("socket");
  return trireme::Take([&] { return trireme::New(next(domain, type, protocol)); });
}

TRIREME_INTERPOSED int socketpair(int domain, int type, int protocol, int* fds) {
  static Next<int(int, int, int, int*)> next("socketpair");
  return trireme::Take([&] {
    const int result = trireme::NewPair(next(domain, type, protocol, fds), fds);
    return trireme::FollowPair(result, fds, /*sockets=*/true);
  });
}

TRIREME_INTERPOSED int pipe(int* fds) {
  static Next<int(int*)> next("pipe");
  return trireme::Take([&] {
    return trireme::FollowPair(trireme::NewPair(next(fds), fds), fds, /*sockets=*/false);
  });
}

TRIREME_INTERPOSED int pipe2(int* fds, int flags) {
  static Next<int(int*, int)> next("pipe2");
  return trireme::Take([&] {
    return trireme::FollowPair(trireme::NewPair(next(fds, flags), fds), fds, /*sockets=*/false);
  });
}

TRIREME_INTERPOSED int eventfd(unsigned count, int flags) {
  static Next<int(unsigned, int)> next("eventfd");
  return trireme::Take([&] { return trireme::New(next(count, flags)); });
}

TRIREME_INTERPOSED int epoll_create(int size) {
  static Next<int(int)> next("epoll_create");
  return trireme::Take([&] { return trireme::New(next(size)); });
}

TRIREME_INTERPOSED int epoll_create1(int flags) {
  static Next<int(int)> next("epoll_create1");
  return trireme::Take([&] { return trireme::New(next(flags)); });
}

TRIREME_INTERPOSED int epoll_ctl(int set, int operation, int fd, epoll_event* event) {
  static Next<int(int, int, int, epoll_event*)> next("epoll_ctl");
  const int result = trireme::ActivePlan() == nullptr
                         ? next(set, operation, fd, event)
                         : trireme::RegisterAllowed(set, operation, fd, event);
  if (result == 0)
    trireme::NoteRegistration(set, operation, fd, event == nullptr ? 0 : event->events,
                              __builtin_return_address(0));
  return result;
}

TRIREME_INTERPOSED int accept(int fd, sockaddr* address, socklen_t* length) {
  static Next<int(int, sockaddr*, socklen_t*)> next("accept");
  return trireme::Accept(TRIREME_CALLER, fd, next, address, length);
}

TRIREME_INTERPOSED int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  static Next<int(int, sockaddr*, socklen_t*, int)> next("accept4");
  return trireme::Accept(TRIREME_CALLER, fd, next, address, length, flags);
}

TRIREME_INTERPOSED int connect(int fd, const sockaddr* address, socklen_t length) {
  static Next<int(int, const sockaddr*, socklen_t)> next("connect");
  // The first that a program does may be to connect.
  if (!trireme::Attached() || trireme::ActivePlan() == nullptr) return next(fd, address, length);
  trireme::SendPostponedBeforeClose(fd);  // they were for the peer before
  // A call that asks whether the one before has got through is about the same connection.
  const bool asks = trireme::EndOf(fd).connection != nullptr;
  if (const int late = trireme::TellConnectAgain(fd); late != 0) {
    errno = late;
    return -1;
  }
  int error = 0;
  trireme::ClientPort port(fd);
  const trireme::ConnectFault fault = trireme::FaultOfConnect(fd, address, length, &port, &error);
  if (fault == trireme::ConnectFault::kFails) {
    errno = error;
    return -1;
  }
  const auto call = [&] {
    sockaddr_storage instead;
    const socklen_t routed =
        asks ? 0 : trireme::RouteFor(fd, port.number(), address, length, &instead);
    if (routed == 0) return next(fd, address, length);
    const int result = next(fd, reinterpret_cast<const sockaddr*>(&instead), routed);
    if (result != 0 && errno == EADDRNOTAVAIL) trireme::LeaveRoute(port.number(), instead);
    return result;
  };
  const int result = trireme::ConnectFrom(fd, address, length, &port, [&] {
    return fault == trireme::ConnectFault::kInterrupted ? trireme::InterruptConnect(fd, call)
                                                        : call();
  });
  trireme::NoteConnected(fd, address, length, result);
  return result;
}

TRIREME_INTERPOSED int getsockopt(int fd, int level, int option, void* value,
                                  socklen_t* length) noexcept {
  static Next<int(int, int, int, void*, socklen_t*)> next("getsockopt");
  const int result = next(fd, level, option, value, length);
  if (result != 0 || level != SOL_SOCKET || option != SO_ERROR || trireme::ActivePlan() == nullptr)
    return result;
  if (const int late = trireme::TakeLateError(fd); late != 0)
    __builtin_memcpy(value, &late, *length < sizeof(late) ? *length : sizeof(late));
  return result;
}

// What the peer sees as the end of the stream is part of what went over the wire.
TRIREME_INTERPOSED int shutdown(int fd, int how) noexcept {
  static Next<int(int, int)> next("shutdown");
  if (how != SHUT_RD && trireme::ActivePlan() != nullptr) trireme::SendPostponedBeforeClose(fd);
  const int result = next(fd, how);
  if (result == 0 && how != SHUT_RD && trireme::ActivePlan() != nullptr) trireme::NoteShutdown(fd);
  return result;
}

TRIREME_INTERPOSED int dup(int fd) {
  static Next<int(int)> next("dup");
  return trireme::Copied(fd, next(fd));
}

TRIREME_INTERPOSED int dup2(int fd, int copy) {
  static Next<int(int, int)> next("dup2");
  if (fd != copy) trireme::NoteClose(copy);
  const int result = next(fd, copy);
  return fd == copy ? result : trireme::Copied(fd, result);
}

TRIREME_INTERPOSED int dup3(int fd, int copy, int flags) {
  static Next<int(int, int, int)> next("dup3");
  if (fd != copy) trireme::NoteClose(copy);
  return trireme::Copied(fd, next(fd, copy, flags));
}

TRIREME_INTERPOSED int fcntl(int fd, int command, ...) {
  static Next<int(int, int, ...)> next("fcntl");
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return trireme::Fcntl(fd, command, argument, next);
}

TRIREME_INTERPOSED int fcntl64(int fd, int command, ...) {
  static Next<int(int, int, ...)> next("fcntl64");
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return trireme::Fcntl(fd, command, argument, next);
}

TRIREME_INTERPOSED int close(int fd) {
  static Next<int(int)> next("close");
  int error = 0;
  const bool fails =
      trireme::ActivePlan() != nullptr && trireme::CallFails(TRIREME_CALL_CLOSE, &error);
  trireme::NoteClose(fd);
  const int result = next(fd);
  if (!fails || result != 0) return result;
  errno = error;  // the descriptor is gone all the same, as after an error of the disk
  return -1;
}

// Both are newer than the C libraries that the probe runs with; where one is missing nobody can call it.
TRIREME_INTERPOSED int close_range(unsigned first, unsigned last, int flags) noexcept {
  static Next<int(unsigned, unsigned, int)> next("close_range");
  if ((flags & 4 /* CLOSE_RANGE_CLOEXEC */) == 0) trireme::NoteCloseRange(first, last);
  if (next.get() == nullptr) return static_cast<int>(syscall(SYS_close_range, first, last, flags));
  return next(first, last, flags);
}

TRIREME_INTERPOSED void closefrom(int first) noexcept {
  static Next<void(int)> next("closefrom");
  trireme::NoteCloseRange(first < 0 ? 0 : static_cast<unsigned>(first), ~0u);
  if (next.get() == nullptr)
    syscall(SYS_close_range, first < 0 ? 0 : first, ~0u, 0);
  else
    next(first);
}
