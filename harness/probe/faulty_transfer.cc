#include "harness/probe/faulty_transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "harness/probe/fault_gate.h"
#include "harness/probe/fault_log.h"
#include "harness/probe/held_back.h"
#include "harness/probe/late_errors.h"
#include "harness/probe/loops.h"
#include "harness/probe/moments.h"
#include "harness/probe/own_thread.h"
#include "harness/probe/postponed.h"
#include "harness/probe/recorder.h"

namespace trireme {
namespace {

// Sleeps until then, however often it is woken.
void SleepUntil(uint64_t time) {
  for (uint64_t now = Now(); now < time; now = Now()) SleepFor(time - now);
}

// Waits until there is something to be read, as the call itself would: 1 there is, 0 the end, -1 and errno: it fails, or
// there is nothing and the call does not wait.
int PeekSocket(int fd, int flags) {
  char byte;
  return static_cast<int>(
      syscall(SYS_recvfrom, fd, &byte, 1, (flags & MSG_DONTWAIT) | MSG_PEEK, nullptr, nullptr));
}

// Whether a read that gave nothing gave the end, and no message without a byte.
bool IsAtEnd(int fd) {
  pollfd polled{.fd = fd, .events = POLLRDHUP, .revents = 0};
  const timespec now{};
  return syscall(SYS_ppoll, &polled, 1, &now, nullptr, 0) > 0 && (polled.revents & POLLRDHUP) != 0;
}

int PeekPipe(int fd, bool blocks) {
  pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
  const timespec now{};
  const long ready = syscall(SYS_ppoll, &polled, 1, blocks ? nullptr : &now, nullptr, 0);
  if (ready <= 0) {
    if (ready == 0) errno = EAGAIN;
    return -1;
  }
  int size = 0;
  syscall(SYS_ioctl, fd, FIONREAD, &size);
  return size > 0 ? 1 : 0;
}

int PeekFile(int fd, int64_t position) {
  struct stat status;
  return syscall(SYS_fstat, fd, &status) == 0 && position < status.st_size ? 1 : 0;
}

// How far a writer gets behind what a dead peer has read: about what two socket buffers hold.
constexpr uint64_t kUnderway = uint64_t{64} << 10;

bool IsEndOfPeer(int error) { return error == ECONNRESET || error == EPIPE; }

// A peer that does not read has no room, and acknowledges at once; else it does so within 200 ms, and a segment that was lost is
// sent again after as long.
constexpr uint64_t kPatienceForRoom = 200'000'000;
constexpr uint64_t kPatienceForAcknowledgement = 1'000'000'000;

// Of a connection that the peer has reset the kernel goes on counting what never got there.
bool IsOver(int fd) {
  uint8_t state = 0;  // the first member of a tcp_info
  socklen_t size = sizeof(state);
  return syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &state, &size) == 0 &&
         state == TCP_CLOSE;
}

// Whether the peer has not got yet what was written, and may get it still.
bool IsUnderWay(int fd, uint64_t waited) {
  int unsent = 0;
  int unacknowledged = 0;
  if (syscall(SYS_ioctl, fd, SIOCOUTQNSD, &unsent) != 0 ||
      syscall(SYS_ioctl, fd, SIOCOUTQ, &unacknowledged) != 0)
    return false;
  return unacknowledged > 0 && !IsOver(fd) &&
         waited < (unsent > 0 ? kPatienceForRoom : kPatienceForAcknowledgement);
}

// A reset drops what the kernel has not sent yet, also one that comes of itself when a socket is closed with something unread:
// Nagle's algorithm and the congestion window keep it back until something is acknowledged. And what was sent it may overtake, as
// the loopback has a queue for each processor. So when it comes would decide what is read and what is lost.
void SendWhatWasWritten(int fd) {
  const int one = 1;
  syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (!IsUnderWay(fd, 0)) return;
  const LoopPause pause;
  const uint64_t begin = Now();
  while (IsUnderWay(fd, Now() - begin)) SleepFor(100'000);
}

}  // namespace

bool IsForDatagrams(uint8_t action) {
  return action == TRIREME_DO_DROP || action == TRIREME_DO_DUPLICATE ||
         action == TRIREME_DO_REORDER;
}

void ResetConnection(int fd) {
  const int error = errno;
  SendWhatWasWritten(fd);
  const linger now = {.l_onoff = 1, .l_linger = 0};
  syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  int family = 0;
  socklen_t size = sizeof(family);
  syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
  // Dissolves a TCP association, and tells the peer by RST; not while another thread sleeps in the socket.
  const bool internet = family == AF_INET || family == AF_INET6;
  if (!internet || syscall(SYS_connect, fd, &none, sizeof(none)) != 0)
    syscall(SYS_shutdown, fd, SHUT_RDWR);
  errno = error;
}

FaultyTransfer::FaultyTransfer(int fd, Direction direction, const Pieces& pieces, int flags)
    : fd_(fd), direction_(direction), pieces_(pieces), flags_(flags) {
  if (direction == kRead && (flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB)) != 0) return;
  end_ = EndForTransfer(fd);
  if (end_.connection != nullptr) size_ = pieces_.size();
}

uint64_t FaultyTransfer::offset() const {
  return __atomic_load_n(&end_.moved(direction_), __ATOMIC_RELAXED);
}

bool FaultyTransfer::MayBlock() const {
  return (flags_ & MSG_DONTWAIT) == 0 && (syscall(SYS_fcntl, fd_, F_GETFL) & O_NONBLOCK) == 0;
}

// No call that waits is told so by the kernel.
bool FaultyTransfer::TellsAWaiterToTryAgain(const trireme_fault_rule& rule) const {
  return rule.action == TRIREME_DO_ERROR && rule.error == EAGAIN && MayBlock();
}

void FaultyTransfer::Over(int64_t result, int error) {
  result_ = result;
  errno = error;
}

// False: the call would have to wait, and does not.
bool FaultyTransfer::WaitsWhileHeldBack() {
  const uint64_t until = HeldBackUntil(fd_, direction_);
  if (until == 0) return true;
  if (!MayBlock()) {
    Over(-1, EAGAIN);
    return false;
  }
  SleepUntil(until);
  return true;
}

bool FaultyTransfer::RemoteWants() {
  const int error = GateWants(end_.transfer(direction_));
  if (error == 0) return false;
  LogRemoteFault(subject(), direction_, offset(), error);
  Over(-1, error);
  return true;
}

bool FaultyTransfer::Begin() {
  if (!MovesSomething()) return true;
  Step step = Step::kNext;
  while (step == Step::kNext) {
    if (!MayBegin()) return false;
    if (!end_.messages()) break;
    step = BeginDatagram();
  }
  if (end_.messages()) return step == Step::kMakeCall;
  if (!BeginStream()) return false;
  if (!GoesNowhere()) return true;
  Over(End(static_cast<int64_t>(std::min(size_, limit_))), errno);
  return false;
}

// A message may have no byte. But read(2) into no room reads none, and what else does is not told apart.
bool FaultyTransfer::MovesSomething() const {
  return end_.connection != nullptr && (size_ > 0 || (end_.messages() && direction_ == kWrite));
}

// As the kernel does with EPIPE, of streams and pipes.
void FaultyTransfer::SignalBrokenPipe() const {
  if (direction_ == kWrite && (flags_ & MSG_NOSIGNAL) == 0 && !end_.messages())
    syscall(SYS_tgkill, ProcessId(), ThreadId(), SIGPIPE);
}

// False: whatever the plan has for this place, the call is over.
bool FaultyTransfer::MayBegin() {
  if (IsDead(end_)) {
    SignalBrokenPipe();
    Over(direction_ == kRead ? 0 : -1, EPIPE);
    return false;
  }
  if (AnyHeldBack() && !WaitsWhileHeldBack()) return false;
  if (const int error = TakeLateError(fd_); error != 0) {
    Over(-1, error);
    return false;
  }
  return !RemoteWants();
}

// Whether the peer's end is dead by a fault, and this one was not told yet: what is written is taken then as if it were under
// way, and the end is seen where it is read. The kernel would refuse it from the moment on at which it hears of the end, and so at
// another byte in each run. Not what a call sends from a file, which the kernel counts.
bool FaultyTransfer::GoesNowhere() const {
  if (direction_ != kWrite || !end_.socket() || pieces_.parts->iov_base == nullptr) return false;
  if (!AwaitsEndOfPeer(end_)) return false;
  const uint64_t read = __atomic_load_n(
      &end_.connection->moved[1 - end_.side][kRead], __ATOMIC_RELAXED);
  return offset() < read + kUnderway;
}

bool FaultyTransfer::BeginStream() {
  for (;;) {
    const Due due = Due::FromWord(__atomic_load_n(&end_.due(direction_), __ATOMIC_ACQUIRE));
    const uint64_t at = offset();
    if (due.offset > at) {
      if (due.offset - at < size_) limit_ = due.offset - at;
      EndAtMoment();
      return true;
    }
    switch (ApplyDue(due)) {
      case Step::kMakeCall:
        EndAtMoment();
        return true;
      case Step::kOver:
        return false;
      case Step::kNext:
        break;
    }
  }
}

// Cut, so that the byte at which the harness does its fault is the last one, however many a runtime moves at once.
void FaultyTransfer::EndAtMoment() {
  const uint64_t rest = BytesToMoment(*end_.connection, offset());
  if (rest < size_ && rest < limit_) limit_ = rest;
}

FaultyTransfer::Step FaultyTransfer::ApplyDue(const Due& due) {
  const uint64_t at = offset();
  if (due.rule == Due::kLookAgain || due.offset < at) {
    SetDue(end_, direction_, at, 0);
    return Step::kNext;
  }
  if (direction_ == kRead)
    if (const int found = Look(); found <= 0) return found < 0 ? Step::kOver : Step::kMakeCall;
  trireme_fault_rule& rule = RuleAt(due.rule);
  if (IsNever(rule) || !Takes(rule)) {
    SetDue(end_, direction_, at, due.rule + 1);
    return Step::kNext;
  }
  if (rule.action == TRIREME_DO_SHORT && rule.dry == 0) {
    shortened_ = &rule;
    // No further than to what is due next: the kernel may have had less to give.
    limit_ = std::min<uint64_t>(rule.amount, NextDue(subject(), at, RuleCount()).offset - at);
    return Step::kMakeCall;
  }
  Note(rule, OutdoneBy(due.rule));
  SetDue(end_, direction_, at, due.rule + 1);
  return rule.dry != 0 ? Step::kNext : Apply(rule);
}

// Above 0: the reader would get a byte. 0: the end is there, and the call itself says so. Below: the call is over with what
// looking for a byte gave. Made after that, it would miss an error, which a socket tells once, and where it does not wait it
// could read past the place of the fault, should bytes come between the two.
int FaultyTransfer::Look() {
  const int before = errno;
  const int found = pieces_.position >= 0 ? PeekFile(fd_, pieces_.position)
                    : end_.socket()         ? PeekSocket(fd_, flags_)
                                          : PeekPipe(fd_, MayBlock());
  const int error = errno;
  errno = before;
  // A read of a pipe may go on after a signal, which a look at it never does; and the number may be another file's by now.
  if (found == 0 && end_.messages() && !IsAtEnd(fd_)) {
    errno = before;
    return 1;
  }
  const bool undecided = end_.socket() ? error == ENOTSOCK || error == EBADF : error == EINTR;
  if (found >= 0 || undecided) return found > 0 ? 1 : 0;
  if (error != EAGAIN && error != EINTR && !end_.messages()) {
    if (AwaitsEndOfPeer(end_)) SetToldOfPeer(end_);
    if (RecordsWire()) LogEndOfBytes(end_, direction_, error);
  }
  Over(-1, error);
  return -1;
}

// Whether the rule applies to this call now; counts it.
bool FaultyTransfer::Takes(trireme_fault_rule& rule) {
  return GateLets(end_.transfer(direction_)) && MayApply(rule, end_.connection);
}

void FaultyTransfer::Note(const trireme_fault_rule& rule, const Outdone& outdone) {
  LogFault(rule, subject(), direction_, offset(), outdone);
}

bool FaultyTransfer::EndsConnection(const trireme_fault_rule& rule) const {
  if (rule.dry != 0) return false;
  if (rule.action == TRIREME_DO_RESET || rule.action == TRIREME_DO_CLOSE) return true;
  return rule.action == TRIREME_DO_ERROR && Breaks(rule.error);
}

// Whether nothing moves on it after that error: of a pipe the reader is gone.
bool FaultyTransfer::Breaks(int error) const {
  return end_.socket() ? IsEndOfPeer(error) : end_.medium == Medium::kPipe && error == EPIPE;
}

// Whether it never happens to what is moved here: a stream and its like lose, double and reorder nothing, and no call that
// waits is told to try again.
bool FaultyTransfer::IsNever(const trireme_fault_rule& rule) const {
  return (IsForDatagrams(rule.action) && !end_.datagrams()) || TellsAWaiterToTryAgain(rule);
}

// Whether the call fails for good, and the next one is for the next message.
bool FaultyTransfer::EndsMessage(const trireme_fault_rule& rule) const {
  return rule.dry == 0 && end_.messages() && rule.action == TRIREME_DO_ERROR &&
         rule.error != EAGAIN && rule.error != EINTR;
}

// What else is due at this place, after a rule that leaves nothing of the connection or of the message.
Outdone FaultyTransfer::OutdoneBy(uint32_t rule) const {
  Outdone outdone;
  if (!EndsConnection(RuleAt(rule)) && !EndsMessage(RuleAt(rule))) return outdone;
  const uint64_t at = offset();
  const auto next = [&](uint32_t first) {
    if (end_.messages()) return NextRule(subject(), at, first);
    const Due due = NextDue(subject(), at, first);
    return due.offset == at && due.rule != Due::kLookAgain ? due.rule : RuleCount();
  };
  for (uint32_t i = next(rule + 1); i < RuleCount(); i = next(i + 1)) {
    const trireme_fault_rule& other = RuleAt(i);
    if (!IsNever(other)) outdone.Add(other, end_.connection);
  }
  return outdone;
}

void FaultyTransfer::NoteChanges() {
  for (const trireme_fault_rule* rule : {shortened_, dropped_, duplicated_})
    if (rule != nullptr) Note(*rule);
}

void FaultyTransfer::TakeBackChanges() {
  for (trireme_fault_rule* rule : {shortened_, dropped_, duplicated_})
    if (rule != nullptr) TakeBack(*rule, end_.connection);
}

void FaultyTransfer::CouldNotDuplicate() {
  TakeBack(*duplicated_, end_.connection);
  duplicated_ = nullptr;
}

FaultyTransfer::Step FaultyTransfer::Apply(trireme_fault_rule& rule) {
  switch (rule.action) {
    case TRIREME_DO_ERROR:
      return Fail(rule.error);
    case TRIREME_DO_INTERRUPT:
      return Fail(EINTR);
    case TRIREME_DO_RESET:
      return Fail(ECONNRESET);
    case TRIREME_DO_CLOSE:
      SetDead(end_);
      if (end_.socket()) {
        SendWhatWasWritten(fd_);
        syscall(SYS_shutdown, fd_, SHUT_RDWR);
      }
      SignalBrokenPipe();
      Over(direction_ == kRead ? 0 : -1, EPIPE);
      return Step::kOver;
    case TRIREME_DO_DELAY:
      return Late(rule.amount, /*both=*/false);
    case TRIREME_DO_STALL:
      return Late(rule.amount, /*both=*/true);
    default:
      return Step::kNext;
  }
}

FaultyTransfer::Step FaultyTransfer::Fail(int error) {
  if (Breaks(error)) {
    SetDead(end_);
    if (end_.socket()) ResetConnection(fd_);
    if (error == EPIPE) SignalBrokenPipe();
    if (RecordsWire()) LogEndOfBytes(end_, direction_, error);
  }
  if (error == EAGAIN || error == EINTR) LookAgain(fd_);
  Over(-1, error);
  return Step::kOver;
}

FaultyTransfer::Step FaultyTransfer::Late(uint64_t nanoseconds, bool both) {
  const uint64_t until = Now() + nanoseconds;
  const bool blocks = MayBlock();
  if (both || !blocks) {
    for (int fd = NextOfEnd(fd_, -1); fd >= 0; fd = NextOfEnd(fd_, fd)) {
      HoldBack(fd, direction_, until);
      if (both) HoldBack(fd, direction_ == kRead ? kWrite : kRead, until);
    }
  }
  if (!blocks) {
    Over(-1, EAGAIN);
    return Step::kOver;
  }
  SleepUntil(until);
  return Step::kNext;
}

// The kernel tells of a reset once: what a write was told that goes nowhere, the next read is.
int64_t FaultyTransfer::NoteEndOfPeer(int64_t result) {
  if (result > 0 || !end_.socket() || !AwaitsEndOfPeer(end_)) return result;
  const int error = static_cast<int>(-result);
  if (direction_ == kWrite) {
    if (!IsEndOfPeer(error) || !GoesNowhere()) return result;
    if (error == ECONNRESET) SetOwesReset(end_);
    return static_cast<int64_t>(std::min(size_, limit_));
  }
  if (error == EAGAIN || error == EINTR) return result;
  SetToldOfPeer(end_);
  return result == 0 && OwesReset(end_) ? -ECONNRESET : result;
}

bool FaultyTransfer::HasMoved(int64_t result) const {
  if (result != 0 || !end_.messages()) return result > 0;
  return direction_ == kWrite || !IsAtEnd(fd_);
}

int64_t FaultyTransfer::End(int64_t result) {
  if (!MovesSomething()) return result;
  const int before = errno;
  if (!end_.messages()) result = NoteEndOfPeer(result);
  const int error = result < 0 ? static_cast<int>(-result) : before;
  if (RecordsWire() && !end_.messages()) {
    if (result > 0)
      LogBytes(end_, direction_, pieces_.parts, pieces_.count, static_cast<uint64_t>(result));
    else if (result == 0 || (result != -EAGAIN && result != -EINTR))
      LogEndOfBytes(end_, direction_, static_cast<int>(-result));
  }
  if (HasMoved(result)) {
    NoteChanges();
    if (end_.datagrams() && direction_ == kWrite) SendPostponed(fd_);
    const uint64_t moved = end_.messages() ? 1 : static_cast<uint64_t>(result);
    const uint64_t at = __atomic_add_fetch(&end_.moved(direction_), moved, __ATOMIC_RELAXED);
    const Due due = Due::FromWord(__atomic_load_n(&end_.due(direction_), __ATOMIC_ACQUIRE));
    const bool anew = shortened_ != nullptr || due.offset < at || HasRulesForEachCall();
    if (!end_.messages() && anew) SetDue(end_, direction_, at, 0);
    if (limit_ == static_cast<uint64_t>(result) && limit_ < size_) LookAgain(fd_);
    WaitAtByte(*end_.connection, at);
  } else {
    TakeBackChanges();
  }
  errno = error;
  return result;
}

}  // namespace trireme
