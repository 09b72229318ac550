#include "harness/probe/faulty_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/connections.h"
#include "harness/probe/fault_gate.h"
#include "harness/probe/fault_log.h"
#include "harness/probe/faulty_transfer.h"
#include "harness/probe/held_back.h"
#include "harness/probe/late_errors.h"
#include "harness/probe/own_thread.h"
#include "harness/probe/recorder.h"
#include "harness/probe/task_names.h"

namespace trireme {
namespace {

constexpr int kAnyDirection = -1;

bool Interrupts(const trireme_fault_rule& rule) {
  return rule.action == TRIREME_DO_INTERRUPT ||
         (rule.action == TRIREME_DO_ERROR && rule.error == EINTR);
}

// What a call may be told now.
struct MayTell {
  bool interruption = true;
  bool try_again = true;  // no call that waits is

  bool Covers(const trireme_fault_rule& rule) const {
    if (Interrupts(rule)) return interruption;
    return try_again || rule.action != TRIREME_DO_ERROR || rule.error != EAGAIN;
  }
};

// Whether the call is over with it.
bool EndsCall(const trireme_fault_rule& rule) {
  return rule.dry == 0 && (rule.action == TRIREME_DO_INTERRUPT ||
                           rule.action == TRIREME_DO_SPURIOUS || rule.action == TRIREME_DO_ERROR);
}

// What else is due at this event, after a rule with which the call is over.
Outdone OutdoneBy(uint32_t rule, const Subject& subject, uint64_t number,
                  trireme_connection* connection, const MayTell& may_tell) {
  Outdone outdone;
  if (!EndsCall(RuleAt(rule))) return outdone;
  for (uint32_t i = NextRule(subject, number, rule + 1); i < RuleCount();
       i = NextRule(subject, number, i + 1))
    if (may_tell.Covers(RuleAt(i))) outdone.Add(RuleAt(i), connection);
  return outdone;
}

// Applies the rules that hit this event, in their order. 0, or the error of the one that makes it fail; `reset` is set
// where one resets the connection. Delays are added to *delay, or happen in here where that is null.
int EventFault(const Subject& subject, uint64_t number, trireme_connection* connection,
               const MayTell& may_tell, bool* reset, uint64_t* delay = nullptr) {
  const uint32_t count = RuleCount();
  for (uint32_t i = NextRule(subject, number, 0); i < count; i = NextRule(subject, number, i + 1)) {
    trireme_fault_rule& rule = RuleAt(i);
    if (!may_tell.Covers(rule)) continue;
    if (!GateLets(subject.call) || !MayApply(rule, connection)) continue;
    LogFault(rule, subject, kAnyDirection, number,
             OutdoneBy(i, subject, number, connection, may_tell));
    if (rule.dry != 0) continue;
    switch (rule.action) {
      case TRIREME_DO_DELAY:
      case TRIREME_DO_STALL:
        if (delay == nullptr)
          SleepFor(rule.amount);
        else
          *delay += rule.amount;
        break;
      case TRIREME_DO_INTERRUPT:
        return EINTR;
      case TRIREME_DO_SPURIOUS:
        return kSpurious;
      case TRIREME_DO_RESET:
      case TRIREME_DO_CLOSE:
        *reset = true;
        break;
      case TRIREME_DO_ERROR:
        return rule.error;
      default:
        break;
    }
  }
  return 0;
}

// Errors of accept that say something of the connection that it took, which is gone then.
bool IsOfConnection(int error) {
  return error == ECONNABORTED || error == EPROTO || error == ECONNRESET;
}

bool Blocks(int fd) { return (syscall(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) == 0; }

// Whether a connect(2) is made only when the peer has answered. Of the other families and types it is over at once, but where
// a listener on this machine has no room; that wait is not told apart.
bool AwaitsAnswer(int fd) {
  int family = 0, type = 0;
  socklen_t size = sizeof(int);
  syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
  size = sizeof(int);
  syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size);
  return (family == AF_INET || family == AF_INET6) && type == SOCK_STREAM;
}

// Errors that a call gives before it asks the peer.
bool IsOfCallItself(int error) { return error == EAGAIN || error == EALREADY || error == EISCONN; }

// A connect that blocks comes late itself. Of one that does not, the thread goes on, and learns late that it is made, or how it
// failed: then *error is that it is in progress.
void MakeLate(int fd, uint64_t delay, int* error) {
  if (Blocks(fd)) return SleepFor(delay);
  if (*error != 0 && (IsOfCallItself(*error) || !AwaitsAnswer(fd))) return;
  const uint64_t due = Now() + delay;
  for (const Direction direction : kDirections) HoldBack(fd, direction, due);
  if (*error == 0) return;
  SetLateError(fd, *error, due);
  *error = EINPROGRESS;
}

// Whether a connection waits to be accepted, for which it waits itself where the listener would: 1 and 0; -1: that is not known.
int CountPending(int listener, bool blocks) {
  pollfd polled{.fd = listener, .events = POLLIN, .revents = 0};
  const timespec now{};
  const long ready = syscall(SYS_ppoll, &polled, 1, blocks ? nullptr : &now, nullptr, 0);
  return ready > 0 ? 1 : static_cast<int>(ready);
}

bool Listens(int fd) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
         listens != 0;
}

// Whether the rule says what becomes of a connection once it is accepted, and no error of the process.
bool IsForAccepted(const trireme_fault_rule& rule) {
  switch (rule.action) {
    case TRIREME_DO_ERROR:
      return IsOfConnection(rule.error);
    case TRIREME_DO_RESET:
    case TRIREME_DO_CLOSE:
    case TRIREME_DO_DELAY:
    case TRIREME_DO_STALL:
      return true;
    default:
      return false;
  }
}

// 0, or the error that accept gives for the connection, which is gone.
int FaultOfAccepted(int fd, const ConnectionEnd& end) {
  const Subject subject = end.subject(TRIREME_CALL_ACCEPT);
  const uint64_t number = end.connection->ordinal;
  const uint32_t count = RuleCount();
  for (uint32_t i = NextRule(subject, number, 0); i < count; i = NextRule(subject, number, i + 1)) {
    trireme_fault_rule& rule = RuleAt(i);
    if (!IsForAccepted(rule) || !GateLets(TRIREME_CALL_ACCEPT) || !MayApply(rule, end.connection))
      continue;
    LogFault(rule, subject, kAnyDirection, number);
    if (rule.dry != 0) continue;
    if (rule.action == TRIREME_DO_DELAY || rule.action == TRIREME_DO_STALL) {
      for (const Direction direction : kDirections) HoldBack(fd, direction, Now() + rule.amount);
      continue;
    }
    SetDead(end);
    if (rule.action == TRIREME_DO_CLOSE)
      syscall(SYS_shutdown, fd, SHUT_RDWR);
    else
      ResetConnection(fd);
    if (rule.action == TRIREME_DO_ERROR) return rule.error;
  }
  return 0;
}

// Whether whoever is told tries again at once, without an end should it be told again.
bool TellsToTryAgain(int error) { return error == EINTR || error == EAGAIN; }

// 0, or the error that accept gives, and leaves the connection where it is.
int FaultOfListener(const Subject& subject, uint64_t number, bool again, bool blocks) {
  const uint32_t count = RuleCount();
  for (uint32_t i = NextRule(subject, number, 0); i < count; i = NextRule(subject, number, i + 1)) {
    trireme_fault_rule& rule = RuleAt(i);
    if (rule.action != TRIREME_DO_ERROR && rule.action != TRIREME_DO_INTERRUPT) continue;
    const int error = rule.action == TRIREME_DO_ERROR ? rule.error : EINTR;
    const bool not_told = (again && TellsToTryAgain(error)) || (blocks && error == EAGAIN);
    if (IsOfConnection(error) || not_told) continue;
    if (!GateLets(TRIREME_CALL_ACCEPT) || !MayApply(rule, nullptr)) continue;
    LogFault(rule, subject, kAnyDirection, number);
    if (rule.dry == 0) return error;
  }
  return 0;
}

// Of listeners that the plan has no place for, by descriptor: their connections each process counts for itself.
trireme_listener own_listeners[kDescriptors];
uint32_t turns = 0;  // that are taken of them

constexpr long kTurnInterval = 50'000;  // nanoseconds
// A thread that ended in its accept, or jumped out of it, never ends its turn: who has waited for it so often takes it over.
// Half a second at least, so that it is none that waits for a processor.
constexpr int kMostLooks = 10000;

// Of the kernel's sockets no two have one number while a trial lasts: it is given out again after four thousand million.
uint64_t KeyOf(int fd) {
  struct stat status;
  if (syscall(SYS_fstat, fd, &status) != 0) return 0;
  return uint64_t{status.st_dev} << 40 ^ status.st_ino;
}

trireme_listener* SharedListener(int fd) {
  const trireme_plan* plan = ActivePlan();
  const uint32_t count = plan == nullptr ? 0 : plan->listeners;
  const uint64_t key = count == 0 ? 0 : KeyOf(fd);
  if (key == 0) return nullptr;
  const uint32_t start = trireme_listener_start(key, count);
  // Whoever comes first takes a free place, and places are never given back: so who comes later finds the same.
  for (uint32_t i = 0; i < TRIREME_LISTENER_REACH; ++i) {
    trireme_listener* place = ListenerAt((start + i) & (count - 1));
    uint64_t found = __atomic_load_n(&place->key, __ATOMIC_ACQUIRE);
    if (found == 0 && __atomic_compare_exchange_n(&place->key, &found, key, false, __ATOMIC_ACQ_REL,
                                                  __ATOMIC_ACQUIRE))
      return place;
    if (found == key) return place;
  }
  return nullptr;
}

// Null: it is none that can be told from others.
trireme_listener* ListenerOf(int fd) {
  if (trireme_listener* shared = SharedListener(fd)) return shared;
  return static_cast<unsigned>(fd) < kDescriptors ? own_listeners + fd : nullptr;
}

bool IsOwn(const trireme_listener* listener) {
  return listener >= own_listeners && listener < own_listeners + kDescriptors;
}

bool ReplaceTaker(trireme_listener* listener, uint32_t before, uint32_t now) {
  return __atomic_compare_exchange_n(&listener->taker, &before, now, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

// Waits until no other thread takes one. False: it is this thread's already, in a handler of a signal that came meanwhile.
bool WaitForTurn(trireme_listener* listener) {
  const uint32_t own = ThreadId();
  uint32_t last = 0;
  for (int look = 0;; ++look) {
    if (ReplaceTaker(listener, 0, own)) return true;
    const uint32_t taker = __atomic_load_n(&listener->taker, __ATOMIC_RELAXED);
    if (taker == own) return false;
    if (taker != last) look = 0;  // each has its time
    last = taker;
    if (look >= kMostLooks && taker != 0 && ReplaceTaker(listener, taker, own)) return true;
    const timespec interval = {0, kTurnInterval};
    syscall(SYS_nanosleep, &interval, nullptr);
  }
}

// True: the turn is this thread's, and EndAccept() has to follow. Counted first: a child that another thread forks meanwhile
// clears what is counted.
bool TakeTurn(trireme_listener* listener) {
  const bool own = IsOwn(listener);
  if (own) __atomic_add_fetch(&turns, 1, __ATOMIC_SEQ_CST);
  if (WaitForTurn(listener)) return true;
  if (own) __atomic_sub_fetch(&turns, 1, __ATOMIC_RELAXED);
  return false;
}

// With a connection there is a turn to take it, if none is taken from under it meanwhile.
int CountPendingInTurn(int fd, trireme_listener* listener, bool blocks, trireme_listener** turn) {
  for (;;) {
    const int pending = CountPending(fd, blocks);
    if (pending <= 0) return pending;
    *turn = TakeTurn(listener) ? listener : nullptr;
    if (CountPending(fd, false) > 0) return 1;
    EndAccept(turn);
    if (!blocks) return 0;
  }
}

}  // namespace

void EndAccept(trireme_listener** turn) {
  trireme_listener* listener = *turn;
  if (listener == nullptr) return;
  ReplaceTaker(listener, ThreadId(), 0);  // unless another one has taken it over
  if (IsOwn(listener)) __atomic_sub_fetch(&turns, 1, __ATOMIC_RELAXED);
  *turn = nullptr;
}

// A turn at a listener that is shared stays the parent's.
void ForgetAcceptTurnsInChild() {
  if (turns != 0)
    for (trireme_listener& listener : own_listeners)
      if (listener.taker != 0) listener.taker = 0;  // the other pages stay nobody's
  turns = 0;
}

void ForgetAccepts(int fd) {
  if (static_cast<unsigned>(fd) >= kDescriptors) return;
  trireme_listener& listener = own_listeners[fd];
  __atomic_store_n(&listener.accepts, 0, __ATOMIC_RELAXED);
  if (__atomic_load_n(&listener.taker, __ATOMIC_RELAXED) != 0)
    __atomic_store_n(&listener.taker, 0, __ATOMIC_RELAXED);
}

bool CallFails(trireme_fault_call call, int* error, uint64_t* delay) {
  TaskName& task = CurrentTaskName();
  const uint32_t number = CountCall(task, call);
  const Subject subject{HashOf(task.path), task.path, task.name, kClient, call};
  *error = GateWants(call);
  if (*error != 0) {
    LogRemoteFault(subject, kAnyDirection, number, *error);
    return true;
  }
  if (!PlanHits(call)) return false;
  const int before = errno;
  bool reset = false;
  const MayTell may_tell{.interruption = !IsMadeAgain(task, call)};
  *error = EventFault(subject, number, nullptr, may_tell, &reset, delay);
  NoteToBeMadeAgain(task, call, *error == EINTR);
  errno = before;
  return *error != 0;
}

ConnectFault FaultOfConnect(int fd, const sockaddr* address, socklen_t length, ClientPort* port,
                            int* error) {
  const int before = errno;
  uint64_t number = 0;
  const ConnectionEnd end = OpenClient(fd, address, length, port, &number);
  errno = before;
  if (end.connection == nullptr) return ConnectFault::kNone;
  const Subject subject = end.subject(TRIREME_CALL_CONNECT);
  const bool waits = Blocks(fd) && AwaitsAnswer(fd);
  *error = GateWants(TRIREME_CALL_CONNECT);
  if (*error == EINTR && !waits) *error = 0;
  if (*error != 0) {
    LogRemoteFault(subject, kAnyDirection, number, *error);
  } else if (PlanHits(TRIREME_CALL_CONNECT)) {
    bool reset = false;
    uint64_t delay = 0;
    const MayTell may_tell{.interruption = waits, .try_again = !Blocks(fd)};
    *error = EventFault(subject, number, end.connection, may_tell, &reset, &delay);
    if (reset) *error = ECONNRESET;
    if (delay != 0) MakeLate(fd, delay, error);
  }
  errno = before;
  if (*error == 0) return ConnectFault::kNone;
  if (*error == EINTR) return ConnectFault::kInterrupted;
  // A descriptor that tries again is another connection.
  if (*error != EINPROGRESS) CloseEnd(fd);
  return ConnectFault::kFails;
}

bool AcceptFails(int fd, int* error, trireme_listener** turn) {
  if (MakesOwnPairs()) return false;
  *error = GateWants(TRIREME_CALL_ACCEPT);
  if (*error == 0 && !PlanHits(TRIREME_CALL_ACCEPT)) return false;
  const int before = errno;
  trireme_listener* listener = ListenerOf(fd);
  const bool blocks = Blocks(fd);
  const int pending =
      listener != nullptr ? CountPendingInTurn(fd, listener, blocks, turn) : -1;
  // One that comes from now on is that of the next call: taken by this one, no fault would hit it, nor it be counted.
  const bool nothing = pending == 0 && !blocks && Listens(fd);
  errno = before;
  if (pending <= 0) {
    *error = nothing ? EAGAIN : 0;
    return nothing;
  }
  TaskName& task = CurrentTaskName();
  Subject subject{HashOf("listener"), task.path, task.name, kServer, TRIREME_CALL_ACCEPT};
  const uint32_t number = __atomic_fetch_add(&listener->accepts, 1, __ATOMIC_RELAXED);
  if (*error != 0) {
    LogRemoteFault(subject, kAnyDirection, number, *error);
    return true;
  }
  *error = FaultOfListener(subject, number, IsMadeAgain(task, TRIREME_CALL_ACCEPT), blocks);
  NoteToBeMadeAgain(task, TRIREME_CALL_ACCEPT, TellsToTryAgain(*error));
  return *error != 0;
}

bool KeepAccepted(int fd, const Peer& peer, int* error) {
  const int before = errno;
  const ConnectionEnd end = OpenServer(fd, peer);
  *error =
      end.connection != nullptr && PlanHits(TRIREME_CALL_ACCEPT) ? FaultOfAccepted(fd, end) : 0;
  if (*error != 0) {
    CloseEnd(fd);
    syscall(SYS_close, fd);
  }
  errno = before;
  return *error == 0;
}

}  // namespace trireme
