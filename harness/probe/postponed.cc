#include "harness/probe/postponed.h"

#include <errno.h>
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
  sockaddr_storage address;
  char bytes[65536];
};
enum : int { kPlaceFree, kPlaceChanging, kPlaceTaken };
Postponed postponed_datagrams[kPostponedAtOnce];
bool any_postponed = false;  // atomic: ever, in this process or one that it was forked from
uint32_t postponed_changed = 0;  // a futex
bool sender_runs = false;        // atomic

bool Change(Postponed& datagram, int from, int to) {
  return __atomic_compare_exchange_n(&datagram.state, &from, to, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

void SetState(Postponed& datagram, int state) {
  __atomic_store_n(&datagram.state, state, __ATOMIC_RELEASE);
}

// False: the socket takes none now.
bool SendOnce(const Postponed& datagram) {
  const long sent = syscall(SYS_sendto, datagram.fd, datagram.bytes, datagram.size,
                            MSG_NOSIGNAL | MSG_DONTWAIT,
                            datagram.address_size == 0 ? nullptr : &datagram.address,
                            datagram.address_size);
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
  if (!over) datagram.due = Now() + kLongestWait;
  SetState(datagram, over ? kPlaceFree : kPlaceTaken);
}

// The same at the last moment: the number may soon be another socket's. A full one is given a while.
void SendOrGiveUp(Postponed& datagram) {
  const KeepErrno keep;
  pollfd room{.fd = datagram.fd, .events = POLLOUT, .revents = 0};
  const timespec most = {.tv_sec = 0, .tv_nsec = static_cast<long>(kLongestWait)};
  syscall(SYS_ppoll, &room, 1, &most, nullptr, 0);
  SendNow(datagram);
  SetState(datagram, kPlaceFree);
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

// Does that to each of the socket; -1: of any. `change` frees its place or leaves it taken.
template <typename Function>
void ForEachOf(int fd, const Function& change) {
  if (!__atomic_load_n(&any_postponed, __ATOMIC_ACQUIRE)) return;
  const auto is_meant = [fd](const Postponed& datagram) {
    return fd < 0 || __atomic_load_n(&datagram.fd, __ATOMIC_RELAXED) == fd;
  };
  for (Postponed& datagram : postponed_datagrams) {
    if (!is_meant(datagram) || !Take(datagram)) continue;
    if (is_meant(datagram))
      change(datagram);
    else
      SetState(datagram, kPlaceTaken);
  }
}

}  // namespace

bool PostponeDatagram(int fd, const Pieces& pieces, uint64_t size, int copies) {
  if (size > sizeof(Postponed::bytes)) return false;
  for (Postponed& datagram : postponed_datagrams) {
    if (!Change(datagram, kPlaceFree, kPlaceChanging)) continue;
    __atomic_store_n(&any_postponed, true, __ATOMIC_RELEASE);
    __atomic_store_n(&datagram.fd, fd, __ATOMIC_RELAXED);
    datagram.size = 0;
    for (int i = 0; i < pieces.count && datagram.size < size; ++i) {
      const uint64_t rest = size - datagram.size;
      const uint64_t part = pieces.parts[i].iov_len < rest ? pieces.parts[i].iov_len : rest;
      memcpy(datagram.bytes + datagram.size, pieces.parts[i].iov_base, part);
      datagram.size += part;
    }
    datagram.copies = copies;
    const bool named = pieces.address != nullptr && pieces.address_size <= sizeof(datagram.address);
    datagram.address_size = named ? pieces.address_size : 0;
    if (named) memcpy(&datagram.address, pieces.address, pieces.address_size);
    datagram.due = Now() + kLongestWait;
    SetState(datagram, kPlaceTaken);
    WakeSender();
    return true;
  }
  return false;
}

void SendPostponed(int fd) { ForEachOf(fd, Send); }

void SendPostponedBeforeClose(int fd) {
  if (fd >= 0) ForEachOf(fd, SendOrGiveUp);
}

void SendAllPostponed() { ForEachOf(-1, SendOrGiveUp); }

void DropPostponed(int fd) {
  ForEachOf(fd, [](Postponed& datagram) { SetState(datagram, kPlaceFree); });
}

void ForgetPostponed() {
  if (!any_postponed) return;
  for (Postponed& datagram : postponed_datagrams)
    SetState(datagram, kPlaceFree);
  sender_runs = false;
}

}  // namespace trireme
