#include "harness/probe/postponed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/keep_errno.h"
#include "harness/probe/own_thread.h"
#include "harness/probe/recorder.h"

namespace trireme {
namespace {

constexpr int kPostponedAtOnce = 8;
// What the kernel takes with one message, SCM_MAX_FD.
constexpr int kMostPassedDescriptors = 253;
// Higher than programs count on, so that their own have the numbers they would have without us.
constexpr int kFirstDuplicate = 700;
constexpr int kYields = 1000;
// So long a datagram waits for another to pass it; and so long again where the socket takes none.
constexpr uint64_t kLongestWait = 100 * kMillisecond;

// Pages that nobody touches cost nothing.
struct Postponed {
  int state;  // atomic, see below
  int fd;     // atomic: whoever looks for those of one socket leaves the others alone
  socklen_t address_size;
  uint64_t due;  // by the clock of records: then at the latest
  uint64_t size;
  int copies;  // that are still to be sent
  int flags;
  uint32_t control_size;
  int duplicates;  // atomic: how many of them are open
  int duplicate[kMostPassedDescriptors];
  sockaddr_storage address;
  alignas(cmsghdr) char control[4096];
  char bytes[65536];
};
enum : int { kPlaceFree, kPlaceChanging, kPlaceTaken };
Postponed postponed_datagrams[kPostponedAtOnce];
bool any_postponed = false;  // atomic: ever, in this process or one that it was forked from
bool any_duplicates = false;  // atomic: the same
uint32_t postponed_changed = 0;  // a futex
bool sender_runs = false;        // atomic

bool Change(Postponed& datagram, int from, int to) {
  return __atomic_compare_exchange_n(&datagram.state, &from, to, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

void SetState(Postponed& datagram, int state) {
  __atomic_store_n(&datagram.state, state, __ATOMIC_RELEASE);
}

// Counted down before: a child that is forked meanwhile rather keeps one than closes another file of that number.
void CloseDuplicates(Postponed& datagram) {
  const int count = __atomic_exchange_n(&datagram.duplicates, 0, __ATOMIC_ACQ_REL);
  for (int i = 0; i < count; ++i) syscall(SYS_close, datagram.duplicate[i]);
}

void Free(Postponed& datagram) {
  const KeepErrno keep;
  CloseDuplicates(datagram);
  SetState(datagram, kPlaceFree);
}

// False: the socket takes none now.
bool SendOnce(Postponed& datagram) {
  iovec part{.iov_base = datagram.bytes, .iov_len = datagram.size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_name = datagram.address_size == 0 ? nullptr : &datagram.address;
  message.msg_namelen = datagram.address_size;
  message.msg_control = datagram.control_size == 0 ? nullptr : datagram.control;
  message.msg_controllen = datagram.control_size;
  const long sent =
      syscall(SYS_sendmsg, datagram.fd, &message, datagram.flags | MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent >= 0 || (errno != EAGAIN && errno != EINTR && errno != ENOBUFS);
}

// Whether nothing more is to be done for it. REQUIRES: the caller made its state kPlaceChanging.
bool SendNow(Postponed& datagram) {
  const KeepErrno keep;
  while (datagram.copies > 0 && SendOnce(datagram)) --datagram.copies;
  return datagram.copies == 0;
}

// Where the socket takes nothing now, a later look sends it.
void Send(Postponed& datagram) {
  const bool over = SendNow(datagram);
  if (over) return Free(datagram);
  datagram.due = Now() + kLongestWait;
  SetState(datagram, kPlaceTaken);
}

// The same at the last moment: the number may soon be another socket's. A full one is given a while.
void SendOrGiveUp(Postponed& datagram) {
  const KeepErrno keep;
  pollfd room{.fd = datagram.fd, .events = POLLOUT, .revents = 0};
  const timespec most = {.tv_sec = 0, .tv_nsec = static_cast<long>(kLongestWait)};
  syscall(SYS_ppoll, &room, 1, &most, nullptr, 0);
  SendNow(datagram);
  Free(datagram);
}

// When the next one is to be sent; ~0: none is there.
uint64_t SendDue(uint64_t now) {
  uint64_t next = ~uint64_t{0};
  for (Postponed& datagram : postponed_datagrams) {
    if (!Change(datagram, kPlaceTaken, kPlaceChanging)) {
      // Who has it in hand may give it back, and wakes nobody.
      const bool in_hand = __atomic_load_n(&datagram.state, __ATOMIC_ACQUIRE) == kPlaceChanging;
      if (in_hand && now + kMillisecond < next) next = now + kMillisecond;
      continue;
    }
    const uint64_t due = datagram.due;
    if (due <= now)
      Send(datagram);
    else
      SetState(datagram, kPlaceTaken);
    const uint64_t again = due <= now ? now + kLongestWait : due;
    if (again < next) next = again;
  }
  return next;
}

void* RunSender(void*) {
  NameOwnThread();
  for (;;) {
    const uint32_t changes = __atomic_load_n(&postponed_changed, __ATOMIC_ACQUIRE);
    const uint64_t now = Now();
    const uint64_t next = SendDue(now);
    if (next == ~uint64_t{0})
      syscall(SYS_futex, &postponed_changed, FUTEX_WAIT_PRIVATE, changes, nullptr, nullptr,
              0);
    else
      SleepFor(next - now);
  }
  return nullptr;
}

void WakeSender() {
  if (!__atomic_exchange_n(&sender_runs, true, __ATOMIC_ACQ_REL) && !StartOwnThread(RunSender))
    __atomic_store_n(&sender_runs, false, __ATOMIC_RELEASE);
  __atomic_add_fetch(&postponed_changed, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &postponed_changed, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

// Another thread that has it in hand is done in a moment; who was interrupted by the signal handler that calls is not.
bool Take(Postponed& datagram) {
  for (int tries = 0; tries < kYields; ++tries) {
    if (Change(datagram, kPlaceTaken, kPlaceChanging)) return true;
    if (__atomic_load_n(&datagram.state, __ATOMIC_ACQUIRE) != kPlaceChanging) return false;
    sched_yield();
  }
  return false;
}

// Does that to each that is meant, which is asked again once nobody else has it. `change` frees its place or leaves it taken.
template <typename Test, typename Function>
void ForEachThat(const Test& is_meant, const Function& change) {
  if (!__atomic_load_n(&any_postponed, __ATOMIC_ACQUIRE)) return;
  for (Postponed& datagram : postponed_datagrams) {
    if (!is_meant(datagram) || !Take(datagram)) continue;
    if (is_meant(datagram))
      change(datagram);
    else
      SetState(datagram, kPlaceTaken);
  }
}

// The same to each of the socket; -1: of any.
template <typename Function>
void ForEachOf(int fd, const Function& change) {
  ForEachThat(
      [fd](const Postponed& datagram) {
        return fd < 0 || __atomic_load_n(&datagram.fd, __ATOMIC_RELAXED) == fd;
      },
      change);
}

void KeepBytes(Postponed& datagram, const Pieces& pieces, uint64_t size) {
  datagram.size = 0;
  for (int i = 0; i < pieces.count && datagram.size < size; ++i) {
    const uint64_t rest = size - datagram.size;
    const uint64_t part = pieces.parts[i].iov_len < rest ? pieces.parts[i].iov_len : rest;
    memcpy(datagram.bytes + datagram.size, pieces.parts[i].iov_base, part);
    datagram.size += part;
  }
}

void KeepAddress(Postponed& datagram, const Pieces& pieces) {
  datagram.address_size = pieces.address == nullptr ? 0 : pieces.address_size;
  memcpy(&datagram.address, pieces.address, datagram.address_size);
}

// Puts a duplicate in the place of the descriptor at `number`. False: there is none to be had.
bool Duplicate(Postponed& datagram, unsigned char* number) {
  const int count = datagram.duplicates;
  if (count == kMostPassedDescriptors) return false;
  int fd = -1;
  memcpy(&fd, number, sizeof(fd));
  long copy = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, kFirstDuplicate);
  // EINVAL: the process may have no number as high.
  if (copy < 0 && errno == EINVAL) copy = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return false;
  datagram.duplicate[count] = static_cast<int>(copy);
  __atomic_store_n(&datagram.duplicates, count + 1, __ATOMIC_RELEASE);
  __atomic_store_n(&any_duplicates, true, __ATOMIC_RELEASE);
  memcpy(number, &datagram.duplicate[count], sizeof(int));
  return true;
}

// False: the kernel would not take the control data, or the descriptors in it cannot be duplicated.
bool KeepControl(Postponed& datagram, const Pieces& pieces) {
  datagram.control_size = pieces.control_size;
  if (datagram.control_size == 0) return true;
  memcpy(datagram.control, pieces.control, pieces.control_size);
  uint64_t at = 0;
  while (at + sizeof(cmsghdr) <= datagram.control_size) {
    cmsghdr part;
    memcpy(&part, datagram.control + at, sizeof(part));
    if (part.cmsg_len < sizeof(part) || part.cmsg_len > datagram.control_size - at) return false;
    const bool rights = part.cmsg_level == SOL_SOCKET && part.cmsg_type == SCM_RIGHTS;
    auto* data = reinterpret_cast<unsigned char*>(datagram.control + at + CMSG_LEN(0));
    const size_t count = rights ? (part.cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    for (size_t i = 0; i < count; ++i)
      if (!Duplicate(datagram, data + i * sizeof(int))) return false;
    at += CMSG_ALIGN(part.cmsg_len);
  }
  return true;
}

// Whether it can be kept at all, wherever.
Postponing MayKeep(const Pieces& pieces, uint64_t size, int flags) {
  if ((flags & MSG_MORE) != 0) return Postponing::kNoPart;
  if ((flags & MSG_ZEROCOPY) != 0) return Postponing::kNoCopy;
  if (size > sizeof(Postponed::bytes)) return Postponing::kTooLarge;
  if (pieces.control_size > sizeof(Postponed::control)) return Postponing::kTooMuchData;
  const bool too_long = pieces.address != nullptr && pieces.address_size > sizeof(sockaddr_storage);
  return too_long ? Postponing::kForKernel : Postponing::kDone;
}

}  // namespace

Postponing PostponeDatagram(int fd, const Pieces& pieces, uint64_t size, int copies, int flags) {
  const KeepErrno keep;
  const Postponing may = MayKeep(pieces, size, flags);
  if (may != Postponing::kDone) return may;
  for (Postponed& datagram : postponed_datagrams) {
    if (!Change(datagram, kPlaceFree, kPlaceChanging)) continue;
    __atomic_store_n(&any_postponed, true, __ATOMIC_RELEASE);
    __atomic_store_n(&datagram.fd, fd, __ATOMIC_RELAXED);
    if (!KeepControl(datagram, pieces)) {
      Free(datagram);
      return Postponing::kForKernel;
    }
    KeepBytes(datagram, pieces, size);
    KeepAddress(datagram, pieces);
    datagram.copies = copies;
    datagram.flags = flags;
    datagram.due = Now() + kLongestWait;
    SetState(datagram, kPlaceTaken);
    WakeSender();
    return Postponing::kDone;
  }
  return Postponing::kNoPlace;
}

void SendPostponed(int fd) { ForEachOf(fd, Send); }

void SendPostponedBeforeClose(int fd) {
  if (fd >= 0) ForEachOf(fd, SendOrGiveUp);
}

void SendPostponedBeforeCloseOf(unsigned first, unsigned last) {
  if (!__atomic_load_n(&any_duplicates, __ATOMIC_ACQUIRE)) return;
  const auto is_meant = [=](const Postponed& datagram) {
    const int count = __atomic_load_n(&datagram.duplicates, __ATOMIC_ACQUIRE);
    for (int i = 0; i < count; ++i) {
      const auto fd = static_cast<unsigned>(datagram.duplicate[i]);
      if (fd >= first && fd <= last) return true;
    }
    return false;
  };
  ForEachThat(is_meant, SendOrGiveUp);
}

void SendAllPostponed() { ForEachOf(-1, SendOrGiveUp); }

void DropPostponed(int fd) {
  ForEachOf(fd, Free);
}

void ForgetPostponed() {
  if (!any_postponed) return;
  for (Postponed& datagram : postponed_datagrams) Free(datagram);
  sender_runs = false;
}

}  // namespace trireme
