// What reads and writes: each call tells before it begins and after it has ended; see waits.h.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness/probe/next.h"
#include "harness/probe/waits.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))
#define TRIREME_CALLER \
  { __builtin_return_address(0), 0 }

namespace trireme {
namespace {

// Makes the call as one that reads or writes `size` bytes of `fd`.
template <typename Function, typename... Arguments>
auto Transfer(const Caller& caller, int fd, Direction direction, uint64_t size,
              Next<Function>& next, Arguments... arguments) {
  const Wait wait = BeginWait(fd, direction, How::kCall, size, caller);
  const auto result = next(arguments...);
  EndWait(wait, result < 0 ? -errno : static_cast<int64_t>(result));
  return result;
}

// Descriptors that came with a message have numbers that were another object's before.
void NoteReceived(msghdr* message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      __builtin_memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      Forget(fd);
    }
  }
}

}  // namespace
}  // namespace trireme

using trireme::kRead;
using trireme::kWrite;
using trireme::Next;
using trireme::Transfer;

TRIREME_INTERPOSED ssize_t read(int fd, void* data, size_t size) {
  static Next<ssize_t(int, void*, size_t)> next("read");
  return Transfer(TRIREME_CALLER, fd, kRead, size, next, fd, data, size);
}

TRIREME_INTERPOSED ssize_t __read_chk(int fd, void* data, size_t size, size_t room) {
  static Next<ssize_t(int, void*, size_t, size_t)> next("__read_chk");
  return Transfer(TRIREME_CALLER, fd, kRead, size, next, fd, data, size, room);
}

TRIREME_INTERPOSED ssize_t readv(int fd, const iovec* parts, int count) {
  static Next<ssize_t(int, const iovec*, int)> next("readv");
  return Transfer(TRIREME_CALLER, fd, kRead, trireme::kUnknownSize, next, fd, parts, count);
}

TRIREME_INTERPOSED ssize_t recv(int fd, void* data, size_t size, int flags) {
  static Next<ssize_t(int, void*, size_t, int)> next("recv");
  return Transfer({__builtin_return_address(0), flags}, fd, kRead, size, next, fd, data, size,
                  flags);
}

TRIREME_INTERPOSED ssize_t __recv_chk(int fd, void* data, size_t size, size_t room, int flags) {
  static Next<ssize_t(int, void*, size_t, size_t, int)> next("__recv_chk");
  return Transfer({__builtin_return_address(0), flags}, fd, kRead, size, next, fd, data, size, room,
                  flags);
}

TRIREME_INTERPOSED ssize_t recvfrom(int fd, void* data, size_t size, int flags, sockaddr* address,
                                    socklen_t* length) {
  static Next<ssize_t(int, void*, size_t, int, sockaddr*, socklen_t*)> next("recvfrom");
  return Transfer({__builtin_return_address(0), flags}, fd, kRead, size, next, fd, data, size,
                  flags, address, length);
}

TRIREME_INTERPOSED ssize_t __recvfrom_chk(int fd, void* data, size_t size, size_t room, int flags,
                                          sockaddr* address, socklen_t* length) {
  static Next<ssize_t(int, void*, size_t, size_t, int, sockaddr*, socklen_t*)> next(
      "__recvfrom_chk");
  return Transfer({__builtin_return_address(0), flags}, fd, kRead, size, next, fd, data, size, room,
                  flags, address, length);
}

TRIREME_INTERPOSED ssize_t write(int fd, const void* data, size_t size) {
  static Next<ssize_t(int, const void*, size_t)> next("write");
  return Transfer(TRIREME_CALLER, fd, kWrite, size, next, fd, data, size);
}

TRIREME_INTERPOSED ssize_t writev(int fd, const iovec* parts, int count) {
  static Next<ssize_t(int, const iovec*, int)> next("writev");
  return Transfer(TRIREME_CALLER, fd, kWrite, trireme::kUnknownSize, next, fd, parts, count);
}

TRIREME_INTERPOSED ssize_t send(int fd, const void* data, size_t size, int flags) {
  static Next<ssize_t(int, const void*, size_t, int)> next("send");
  return Transfer({__builtin_return_address(0), flags}, fd, kWrite, size, next, fd, data, size,
                  flags);
}

TRIREME_INTERPOSED ssize_t sendto(int fd, const void* data, size_t size, int flags,
                                  const sockaddr* address, socklen_t length) {
  static Next<ssize_t(int, const void*, size_t, int, const sockaddr*, socklen_t)> next("sendto");
  return Transfer({__builtin_return_address(0), flags}, fd, kWrite, size, next, fd, data, size,
                  flags, address, length);
}

TRIREME_INTERPOSED ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static Next<ssize_t(int, const msghdr*, int)> next("sendmsg");
  return Transfer({__builtin_return_address(0), flags}, fd, kWrite, trireme::kUnknownSize, next, fd,
                  message, flags);
}

TRIREME_INTERPOSED int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  static Next<int(int, mmsghdr*, unsigned, int)> next("sendmmsg");
  return Transfer({__builtin_return_address(0), flags}, fd, kWrite, trireme::kUnknownSize, next, fd,
                  messages, count, flags);
}

TRIREME_INTERPOSED ssize_t sendfile(int out, int in, off_t* offset, size_t size) {
  static Next<ssize_t(int, int, off_t*, size_t)> next("sendfile");
  return Transfer(TRIREME_CALLER, out, kWrite, size, next, out, in, offset, size);
}

TRIREME_INTERPOSED ssize_t sendfile64(int out, int in, off64_t* offset, size_t size) {
  static Next<ssize_t(int, int, off64_t*, size_t)> next("sendfile64");
  return Transfer(TRIREME_CALLER, out, kWrite, size, next, out, in, offset, size);
}

TRIREME_INTERPOSED int eventfd_read(int fd, eventfd_t* value) {
  static Next<int(int, eventfd_t*)> next("eventfd_read");
  const trireme::Wait wait = trireme::BeginWait(fd, kRead, trireme::How::kCall, 8, TRIREME_CALLER);
  const int result = next(fd, value);
  trireme::EndWait(wait, result < 0 ? -errno : 8);  // it returns no size
  return result;
}

TRIREME_INTERPOSED int eventfd_write(int fd, eventfd_t value) {
  static Next<int(int, eventfd_t)> next("eventfd_write");
  return Transfer(TRIREME_CALLER, fd, kWrite, 8, next, fd, value);
}

TRIREME_INTERPOSED ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static Next<ssize_t(int, msghdr*, int)> next("recvmsg");
  const ssize_t result = Transfer({__builtin_return_address(0), flags}, fd, kRead,
                                  trireme::kUnknownSize, next, fd, message, flags);
  if (result >= 0) trireme::NoteReceived(message);
  return result;
}

TRIREME_INTERPOSED int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags,
                                timespec* timeout) {
  static Next<int(int, mmsghdr*, unsigned, int, timespec*)> next("recvmmsg");
  const int result = Transfer({__builtin_return_address(0), flags}, fd, kRead,
                              trireme::kUnknownSize, next, fd, messages, count, flags, timeout);
  for (int i = 0; i < result; ++i) trireme::NoteReceived(&messages[i].msg_hdr);
  return result;
}

// Reads the one and writes the other; the wait is for both.
TRIREME_INTERPOSED ssize_t splice(int in, off64_t* in_offset, int out, off64_t* out_offset,
                                  size_t size, unsigned flags) {
  static Next<ssize_t(int, off64_t*, int, off64_t*, size_t, unsigned)> next("splice");
  const trireme::Wait reads =
      trireme::BeginWait(in, kRead, trireme::How::kCall, size, TRIREME_CALLER);
  const trireme::Wait writes =
      trireme::BeginWait(out, kWrite, trireme::How::kCall, size, TRIREME_CALLER);
  const ssize_t result = next(in, in_offset, out, out_offset, size, flags);
  const int64_t moved = result < 0 ? -errno : result;
  trireme::EndWait(writes, moved);
  trireme::EndWait(reads, moved);
  return result;
}
