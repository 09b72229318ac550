#include "harness/probe/postponed.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace trireme {
namespace {

constexpr int kPostponedAtOnce = 8;

// Pages that nobody touches cost nothing.
struct Postponed {
  int state;  // atomic, see below
  int fd;
  socklen_t address_size;
  uint64_t size;
  sockaddr_storage address;
  char bytes[65536];
};
enum : int { kPlaceFree, kPlaceChanging, kPlaceTaken };
Postponed postponed_datagrams[kPostponedAtOnce];
bool any_postponed = false;  // atomic: ever, in this process or one that it was forked from

bool Change(Postponed& datagram, int from, int to) {
  return __atomic_compare_exchange_n(&datagram.state, &from, to, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

}  // namespace

bool PostponeDatagram(int fd, const Pieces& pieces) {
  if (pieces.size() > sizeof(Postponed::bytes)) return false;
  for (Postponed& datagram : postponed_datagrams) {
    if (!Change(datagram, kPlaceFree, kPlaceChanging)) continue;
    __atomic_store_n(&any_postponed, true, __ATOMIC_RELEASE);
    datagram.fd = fd;
    datagram.size = 0;
    for (int i = 0; i < pieces.count; ++i) {
      memcpy(datagram.bytes + datagram.size, pieces.parts[i].iov_base, pieces.parts[i].iov_len);
      datagram.size += pieces.parts[i].iov_len;
    }
    const bool named = pieces.address != nullptr && pieces.address_size <= sizeof(datagram.address);
    datagram.address_size = named ? pieces.address_size : 0;
    if (named) memcpy(&datagram.address, pieces.address, pieces.address_size);
    __atomic_store_n(&datagram.state, static_cast<int>(kPlaceTaken), __ATOMIC_RELEASE);
    return true;
  }
  return false;
}

void SendPostponed(int fd) {
  if (!__atomic_load_n(&any_postponed, __ATOMIC_ACQUIRE)) return;
  for (Postponed& datagram : postponed_datagrams) {
    if (__atomic_load_n(&datagram.state, __ATOMIC_ACQUIRE) != kPlaceTaken || datagram.fd != fd)
      continue;
    if (!Change(datagram, kPlaceTaken, kPlaceChanging)) continue;
    const int error = errno;
    syscall(SYS_sendto, fd, datagram.bytes, datagram.size, MSG_NOSIGNAL,
            datagram.address_size == 0 ? nullptr : &datagram.address, datagram.address_size);
    errno = error;
    __atomic_store_n(&datagram.state, static_cast<int>(kPlaceFree), __ATOMIC_RELEASE);
  }
}

void ForgetPostponed() {
  if (!any_postponed) return;
  for (Postponed& datagram : postponed_datagrams)
    __atomic_store_n(&datagram.state, static_cast<int>(kPlaceFree), __ATOMIC_RELEASE);
}

}  // namespace trireme
