#ifndef TRIREME_HARNESS_PROBE_FAULTY_CALLS_H_
#define TRIREME_HARNESS_PROBE_FAULTY_CALLS_H_

#include <errno.h>
#include <sys/socket.h>

#include "harness/probe/addresses.h"
#include "harness/probe/fault_rules.h"
#include "harness/probe/ports.h"

namespace trireme {

// Faults on calls that are events by themselves: the n-th of a task, or, of connect and accept, that of a connection.
// Delays happen inside.

// An epoll_wait that comes back without an event, as CallFails() says it.
constexpr int kSpurious = -1;

// Whether the call is to fail, with *error (of getaddrinfo an EAI_ code), instead of being made. With `delay` the caller waits
// by itself, for so many nanoseconds, before it fails or makes the call.
bool CallFails(trireme_fault_call call, int* error, uint64_t* delay = nullptr);

// -1 and an errno where the plan lets the call fail, else what it gives.
template <typename Call>
auto UnlessPlanned(trireme_fault_call what, const Call& call) -> decltype(call()) {
  int error = 0;
  if (ActivePlan() != nullptr && CallFails(what, &error)) {
    errno = error;
    return -1;
  }
  return call();
}

// EINTR of connect says that a wait for the peer was interrupted, not the connection: that goes on being made.
enum class ConnectFault {
  kNone,
  kFails,       // with *error, instead of being made
  kInterrupted  // made without waiting for it, and then EINTR; only where the call would wait
};

// Before connect(2), after which the descriptor stands for its connection.
ConnectFault FaultOfConnect(int fd, const sockaddr* address, socklen_t length, ClientPort* port,
                            int* error);

// A new descriptor, whose accepts are counted from 0 where the plan has no place for its listener.
void ForgetAccepts(int fd);
// Before accept(2): errors of the process, not of a connection, while one is waiting to be accepted. *turn: null, or no
// other thread of any process takes one from this listener until EndAccept(), so that each connection is counted by one only.
bool AcceptFails(int fd, int* error, trireme_listener** turn);
void EndAccept(trireme_listener** turn);
// Of the threads whose turns they are one is left.
void ForgetAcceptTurnsInChild();
// After it: what happens to the connection that was accepted, from `peer`, as OpenServer() has it. False: it is gone, and
// accept fails with *error.
bool KeepAccepted(int fd, const Peer& peer, int* error);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_FAULTY_CALLS_H_
