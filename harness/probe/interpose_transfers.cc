// What reads and writes: each call tells before it begins and after it has ended; see waits.h.
// Over 400 lines: a C library has that many such calls, and one template makes them all.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <type_traits>

#include "harness/probe/fault_log.h"
#include "harness/probe/faulty_transfer.h"
#include "harness/probe/keep_errno.h"
#include "harness/probe/next.h"
#include "harness/probe/plain_wait.h"
#include "harness/probe/waits.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

// The memory of a call on one piece; of one on many.
struct Memory {
  iovec part;
  const void* address = nullptr;
  uint32_t address_size = 0;
  Pieces pieces() const { return {&part, 1, address, address_size}; }
};
Memory Of(const void* data, size_t size, const void* address = nullptr, uint32_t address_size = 0) {
  return {{const_cast<void*>(data), size}, address, address_size};
}
struct ManyPieces {
  const iovec* parts;
  int count;
  const void* address = nullptr;
  uint32_t address_size = 0;
  const void* control = nullptr;
  uint64_t control_size = 0;
  Pieces pieces() const {
    return {.parts = parts,
            .count = parts == nullptr || count < 0 ? 0 : count,
            .address = address,
            .address_size = address_size,
            .control = control,
            .control_size = control == nullptr ? 0 : control_size};
  }
};
ManyPieces Of(const msghdr* message) {
  if (message == nullptr) return {nullptr, 0};
  return {message->msg_iov,     static_cast<int>(message->msg_iovlen),
          message->msg_name,    message->msg_namelen,
          message->msg_control, message->msg_controllen};
}

// The first `limit` bytes of many pieces.
class Shortened {
 public:
  Shortened(const iovec* parts, int count, uint64_t limit) {
    for (int i = 0; i < count && count_ < kMost && limit > 0; ++i) {
      parts_[count_] = parts[i];
      if (parts_[count_].iov_len > limit) parts_[count_].iov_len = limit;
      limit -= parts_[count_++].iov_len;
    }
  }
  iovec* parts() { return parts_; }
  int count() const { return count_; }

 private:
  static constexpr int kMost =
      64;  // as many as a fiber's stack has room for; the rest comes with the next call
  iovec parts_[kMost];
  int count_ = 0;
};

size_t AtMost(size_t size, uint64_t limit) { return size < limit ? size : limit; }

// Makes the call where a plan may have a fault for it.
template <typename Memories, typename Call>
[[gnu::always_inline]] inline auto FaultyCall(int fd, Direction direction, const Memories& memory,
                                              int flags, const Call& call) {
  using Moved = decltype(call(uint64_t{}));
  const Pieces pieces = memory.pieces();
  FaultyTransfer transfer(fd, direction, pieces, flags);
  if (!transfer.Begin()) return static_cast<Moved>(transfer.result());
  const Moved result =
      transfer.dropped() ? static_cast<Moved>(pieces.size()) : call(transfer.limit());
  if (transfer.duplicated() && result >= 0) {
    const KeepErrno keep;
    if (call(transfer.limit()) < 0) transfer.CouldNotDuplicate();
  }
  const int64_t told = transfer.End(result < 0 ? -errno : static_cast<int64_t>(result));
  return static_cast<Moved>(told < 0 ? -1 : told);
}

Wait AsWait(PlainWait plain, int fd, Direction direction) {
  return {.object = plain.object, .token = plain.token, .fd = fd, .direction = direction};
}

[[gnu::noinline]] void EndAsAnyWait(PlainWait plain, int fd, Direction direction, int64_t result) {
  EndWait(AsWait(plain, fd, direction), result < 0 ? -errno : result);
}

// A transfer that is not plain, or that a plan may have a fault for.
template <typename Memories, typename Call>
[[gnu::noinline]] auto AnyTransfer(PlainWait plain, int fd, Direction direction, Caller caller,
                                   uint64_t size, Memories memory, Call call) {
  const Wait wait = plain.object != nullptr ? AsWait(plain, fd, direction)
                                            : BeginWait(fd, direction, How::kCall, size, caller);
  auto result = ActivePlan() == nullptr
                    ? call(FaultyTransfer::kNoLimit)
                    : FaultyCall(fd, direction, memory(), caller.flags, call);
  EndWait(wait, result < 0 ? -errno : static_cast<int64_t>(result));
  return result;
}

// Makes the call as one that reads or writes `size` bytes of `fd`: `call` is given how many at most, and `memory` says where.
// By value, as they take what they capture: so nothing of it has an address, and need be in memory, where all is plain.
template <typename Memories, typename Call>
[[gnu::always_inline]] inline auto Transfer(const Caller& caller, int fd, Direction direction,
                                            uint64_t size, Memories memory, Call call) {
  const PlainWait plain = BeginPlainWait(fd, direction, caller);
  if (plain.object == nullptr || ActivePlan() != nullptr) [[unlikely]]
    return AnyTransfer(plain, fd, direction, caller, size, memory, call);
  auto result = call(FaultyTransfer::kNoLimit);
  if (!EndPlainWait(plain, direction, result)) [[unlikely]]
    EndAsAnyWait(plain, fd, direction, result);
  return result;
}

ssize_t CallOnParts(Next<ssize_t(int, const iovec*, int)>& next, int fd, const iovec* parts,
                    int count, uint64_t limit) {
  if (limit == FaultyTransfer::kNoLimit) return next(fd, parts, count);
  Shortened shortened(parts, count, limit);
  return next(fd, shortened.parts(), shortened.count());
}

struct Placed {
  Pieces value;
  Pieces pieces() const { return value; }
};

// As a transfer, but at a position of a file, which nobody waits for.
template <typename Call>
ssize_t TransferAt(int fd, Direction direction, Pieces pieces, int64_t at, const Call& call) {
  pieces.position = at;
  return ActivePlan() == nullptr ? call(FaultyTransfer::kNoLimit)
                                 : FaultyCall(fd, direction, Placed{pieces}, 0, call);
}

template <typename Call>
ssize_t TransferPartsAt(int fd, Direction direction, const ManyPieces& many, int64_t at,
                        const Call& call) {
  return TransferAt(fd, direction, many.pieces(), at, [&](uint64_t limit) {
    if (limit == FaultyTransfer::kNoLimit) return call(many.parts, many.count);
    Shortened shortened(many.parts, many.count, limit);
    return call(shortened.parts(), shortened.count());
  });
}

// preadv2() and pwritev2(): at the position -1 they do as readv() and writev(), of sockets and pipes too.
template <typename Call>
ssize_t TransferPartsAtOrNext(Caller caller, int fd, Direction direction,
                              const ManyPieces& many, int64_t at, int flags, const Call& call) {
  if (at != -1) return TransferPartsAt(fd, direction, many, at, call);
  caller.flags = (flags & RWF_NOWAIT) != 0 ? MSG_DONTWAIT : 0;
  return Transfer(caller, fd, direction, kUnknownSize, [=] { return many; }, [&](uint64_t limit) {
    if (limit == FaultyTransfer::kNoLimit) return call(many.parts, many.count);
    Shortened shortened(many.parts, many.count, limit);
    return call(shortened.parts(), shortened.count());
  });
}

template <typename Message>
ssize_t CallOnMessage(Next<ssize_t(int, Message*, int)>& next, int fd, Message* message, int flags,
                      uint64_t limit) {
  if (limit == FaultyTransfer::kNoLimit) return next(fd, message, flags);
  Shortened shortened(message->msg_iov, static_cast<int>(message->msg_iovlen), limit);
  msghdr part = *message;
  part.msg_iov = shortened.parts();
  part.msg_iovlen = static_cast<size_t>(shortened.count());
  const ssize_t result = next(fd, &part, flags);
  if constexpr (!std::is_const_v<Message>) {
    part.msg_iov = message->msg_iov;
    part.msg_iovlen = message->msg_iovlen;
    *message = part;
  }
  return result;
}

// The first of several messages, at most so many bytes of it. Of what the caller gave only what the kernel says is changed.
template <typename Call>
ssize_t CallOnFirst(mmsghdr* messages, uint64_t limit, const Call& call) {
  mmsghdr first = messages[0];
  msghdr& head = first.msg_hdr;
  Shortened shortened(head.msg_iov, static_cast<int>(head.msg_iovlen), limit);
  if (limit != FaultyTransfer::kNoLimit) {
    head.msg_iov = shortened.parts();
    head.msg_iovlen = static_cast<size_t>(shortened.count());
  }
  const int result = call(&first, 1);
  head.msg_iov = messages[0].msg_hdr.msg_iov;
  head.msg_iovlen = messages[0].msg_hdr.msg_iovlen;
  messages[0] = first;
  return result < 0 ? result : static_cast<ssize_t>(first.msg_len);
}

// Several messages at once; where a plan may have faults for them, one at a time, which the caller has to expect.
template <typename Call>
int TransferMessages(const Caller& caller, int fd, Direction direction, mmsghdr* messages,
                     unsigned count, const Call& call) {
  if (ActivePlan() == nullptr || count == 0 || messages == nullptr) {
    const Wait wait = BeginWait(fd, direction, How::kCall, kUnknownSize, caller);
    const int result = call(messages, count);
    EndWait(wait, result < 0 ? -errno : result);
    return result;
  }
  const auto one = [&](uint64_t limit) { return CallOnFirst(messages, limit, call); };
  const ssize_t result =
      Transfer(caller, fd, direction, kUnknownSize, [=] { return Of(&messages[0].msg_hdr); }, one);
  if (result < 0) return -1;
  messages[0].msg_len = static_cast<unsigned>(result);  // also where no call was made
  return 1;
}

// The bytes of a file that were sent, as WIRE events, which do not pass through the program's memory.
template <typename Offset>
void LogSentFile(int out, int in, Offset at, int64_t size) {
  const ConnectionEnd end = EndOf(out);
  char bytes[2048];
  while (size > 0) {
    const size_t piece = AtMost(sizeof(bytes), static_cast<uint64_t>(size));
    const long got = syscall(SYS_pread64, in, bytes, piece, at);
    if (got <= 0) return;
    const iovec part = {bytes, static_cast<size_t>(got)};
    LogBytes(end, kWrite, &part, 1, static_cast<uint64_t>(got));
    size -= got;
    at += got;
  }
}

template <typename Offset>
ssize_t SendFile(const Caller& caller, int out, int in, Offset* offset, size_t size,
                 Next<ssize_t(int, int, Offset*, size_t)>& next) {
  const bool logs = RecordsWire() && EndOf(out).connection != nullptr;
  const auto at = logs ? offset != nullptr ? *offset : syscall(SYS_lseek, in, 0, SEEK_CUR) : 0;
  const ssize_t result =
      Transfer(caller, out, kWrite, size, [=] { return Of(nullptr, size); },
               [=, &next](uint64_t limit) { return next(out, in, offset, AtMost(size, limit)); });
  if (logs && result > 0) {
    const int error = errno;
    LogSentFile(out, in, at, result);
    errno = error;
  }
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

using trireme::AtMost;
using trireme::CallOnMessage;
using trireme::CallOnParts;
using trireme::kRead;
using trireme::kWrite;
using trireme::ManyPieces;
using trireme::Next;
using trireme::Of;
using trireme::SendFile;
using trireme::Transfer;
using trireme::TransferAt;
using trireme::TransferMessages;
using trireme::TransferPartsAt;
using trireme::TransferPartsAtOrNext;

TRIREME_INTERPOSED ssize_t read(int fd, void* data, size_t size) {
  static Next<ssize_t(int, void*, size_t)> next("read");
  return Transfer(TRIREME_CALLER, fd, kRead, size, [=] { return Of(data, size); },
                  [=](uint64_t limit) { return next(fd, data, AtMost(size, limit)); });
}

TRIREME_INTERPOSED ssize_t __read_chk(int fd, void* data, size_t size, size_t room) {
  static Next<ssize_t(int, void*, size_t, size_t)> next("__read_chk");
  return Transfer(TRIREME_CALLER, fd, kRead, size, [=] { return Of(data, size); },
                  [=](uint64_t limit) { return next(fd, data, AtMost(size, limit), room); });
}

TRIREME_INTERPOSED ssize_t readv(int fd, const iovec* parts, int count) {
  static Next<ssize_t(int, const iovec*, int)> next("readv");
  return Transfer(TRIREME_CALLER, fd, kRead, trireme::kUnknownSize,
                  [=] { return ManyPieces{parts, count}; },
                  [=](uint64_t limit) { return CallOnParts(next, fd, parts, count, limit); });
}

TRIREME_INTERPOSED ssize_t recv(int fd, void* data, size_t size, int flags) {
  static Next<ssize_t(int, void*, size_t, int)> next("recv");
  return Transfer(TRIREME_CALLER_WITH(flags), fd, kRead, size,
                  [=] { return Of(data, size); },
                  [=](uint64_t limit) { return next(fd, data, AtMost(size, limit), flags); });
}

TRIREME_INTERPOSED ssize_t __recv_chk(int fd, void* data, size_t size, size_t room, int flags) {
  static Next<ssize_t(int, void*, size_t, size_t, int)> next("__recv_chk");
  return Transfer(TRIREME_CALLER_WITH(flags), fd, kRead, size,
                  [=] { return Of(data, size); },
                  [=](uint64_t limit) { return next(fd, data, AtMost(size, limit), room, flags); });
}

TRIREME_INTERPOSED ssize_t recvfrom(int fd, void* data, size_t size, int flags, sockaddr* address,
                                    socklen_t* length) {
  static Next<ssize_t(int, void*, size_t, int, sockaddr*, socklen_t*)> next("recvfrom");
  return Transfer(
      TRIREME_CALLER_WITH(flags), fd, kRead, size, [=] { return Of(data, size); },
      [=](uint64_t limit) { return next(fd, data, AtMost(size, limit), flags, address, length); });
}

TRIREME_INTERPOSED ssize_t __recvfrom_chk(int fd, void* data, size_t size, size_t room, int flags,
                                          sockaddr* address, socklen_t* length) {
  static Next<ssize_t(int, void*, size_t, size_t, int, sockaddr*, socklen_t*)> next(
      "__recvfrom_chk");
  return Transfer(TRIREME_CALLER_WITH(flags), fd, kRead, size,
                  [=] { return Of(data, size); },
                  [=](uint64_t limit) {
                    return next(fd, data, AtMost(size, limit), room, flags, address, length);
                  });
}

TRIREME_INTERPOSED ssize_t write(int fd, const void* data, size_t size) {
  static Next<ssize_t(int, const void*, size_t)> next("write");
  return Transfer(TRIREME_CALLER, fd, kWrite, size, [=] { return Of(data, size); },
                  [=](uint64_t limit) { return next(fd, data, AtMost(size, limit)); });
}

TRIREME_INTERPOSED ssize_t writev(int fd, const iovec* parts, int count) {
  static Next<ssize_t(int, const iovec*, int)> next("writev");
  return Transfer(TRIREME_CALLER, fd, kWrite, trireme::kUnknownSize,
                  [=] { return ManyPieces{parts, count}; },
                  [=](uint64_t limit) { return CallOnParts(next, fd, parts, count, limit); });
}

TRIREME_INTERPOSED ssize_t send(int fd, const void* data, size_t size, int flags) {
  static Next<ssize_t(int, const void*, size_t, int)> next("send");
  return Transfer(TRIREME_CALLER_WITH(flags), fd, kWrite, size,
                  [=] { return Of(data, size); },
                  [=](uint64_t limit) { return next(fd, data, AtMost(size, limit), flags); });
}

TRIREME_INTERPOSED ssize_t sendto(int fd, const void* data, size_t size, int flags,
                                  const sockaddr* address, socklen_t length) {
  static Next<ssize_t(int, const void*, size_t, int, const sockaddr*, socklen_t)> next("sendto");
  return Transfer(
      TRIREME_CALLER_WITH(flags), fd, kWrite, size,
      [=] { return Of(data, size, address, length); },
      [=](uint64_t limit) { return next(fd, data, AtMost(size, limit), flags, address, length); });
}

TRIREME_INTERPOSED ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static Next<ssize_t(int, const msghdr*, int)> next("sendmsg");
  return Transfer(TRIREME_CALLER_WITH(flags), fd, kWrite, trireme::kUnknownSize,
                  [=] { return Of(message); },
                  [=](uint64_t limit) { return CallOnMessage(next, fd, message, flags, limit); });
}

TRIREME_INTERPOSED int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  static Next<int(int, mmsghdr*, unsigned, int)> next("sendmmsg");
  return TransferMessages(TRIREME_CALLER_WITH(flags), fd, kWrite, messages, count,
                          [&](mmsghdr* some, unsigned many) {
                            return next(fd, some, many, flags);
                          });
}

TRIREME_INTERPOSED ssize_t sendfile(int out, int in, off_t* offset, size_t size) {
  static Next<ssize_t(int, int, off_t*, size_t)> next("sendfile");
  return SendFile(TRIREME_CALLER, out, in, offset, size, next);
}

TRIREME_INTERPOSED ssize_t sendfile64(int out, int in, off64_t* offset, size_t size) {
  static Next<ssize_t(int, int, off64_t*, size_t)> next("sendfile64");
  return SendFile(TRIREME_CALLER, out, in, offset, size, next);
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
  const trireme::Wait wait = trireme::BeginWait(fd, kWrite, trireme::How::kCall, 8, TRIREME_CALLER);
  const int result = next(fd, value);
  trireme::EndWait(wait, result < 0 ? -errno : 8);
  return result;
}

TRIREME_INTERPOSED ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static Next<ssize_t(int, msghdr*, int)> next("recvmsg");
  const ssize_t result =
      Transfer(TRIREME_CALLER_WITH(flags), fd, kRead, trireme::kUnknownSize,
               [=] { return Of(message); },
               [=](uint64_t limit) { return CallOnMessage(next, fd, message, flags, limit); });
  if (result >= 0) trireme::NoteReceived(message);
  return result;
}

TRIREME_INTERPOSED int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags,
                                timespec* timeout) {
  static Next<int(int, mmsghdr*, unsigned, int, timespec*)> next("recvmmsg");
  const int result =
      TransferMessages(TRIREME_CALLER_WITH(flags), fd, kRead, messages, count,
                       [&](mmsghdr* some, unsigned many) {
                         return next(fd, some, many, flags, timeout);
                       });
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

#define TRIREME_INTERPOSED_AT(name, Data, Position, direction)                          \
  TRIREME_INTERPOSED ssize_t name(int fd, Data* data, size_t size, Position at) {       \
    static Next<ssize_t(int, Data*, size_t, Position)> next(#name);                     \
    return TransferAt(fd, direction, Of(data, size).pieces(), at, [&](uint64_t limit) { \
      return next(fd, data, AtMost(size, limit), at);                                   \
    });                                                                                 \
  }

#define TRIREME_INTERPOSED_PARTS_AT(name, Position, direction)                                   \
  TRIREME_INTERPOSED ssize_t name(int fd, const iovec* parts, int count, Position at) {          \
    static Next<ssize_t(int, const iovec*, int, Position)> next(#name);                          \
    return TransferPartsAt(fd, direction, {parts, count}, at, [&](const iovec* some, int many) { \
      return next(fd, some, many, at);                                                           \
    });                                                                                          \
  }

#define TRIREME_INTERPOSED_PARTS_AT_2(name, Position, direction)                           \
  TRIREME_INTERPOSED ssize_t name(int fd, const iovec* parts, int count, Position at,      \
                                  int flags) {                                             \
    static Next<ssize_t(int, const iovec*, int, Position, int)> next(#name);               \
    return TransferPartsAtOrNext(                                                          \
        TRIREME_CALLER, fd, direction, {parts, count}, at, flags,                          \
        [&](const iovec* some, int many) { return next(fd, some, many, at, flags); });     \
  }

TRIREME_INTERPOSED_AT(pread, void, off_t, kRead)
TRIREME_INTERPOSED_AT(pread64, void, off64_t, kRead)
TRIREME_INTERPOSED_AT(pwrite, const void, off_t, kWrite)
TRIREME_INTERPOSED_AT(pwrite64, const void, off64_t, kWrite)
TRIREME_INTERPOSED_PARTS_AT(preadv, off_t, kRead)
TRIREME_INTERPOSED_PARTS_AT(preadv64, off64_t, kRead)
TRIREME_INTERPOSED_PARTS_AT(pwritev, off_t, kWrite)
TRIREME_INTERPOSED_PARTS_AT(pwritev64, off64_t, kWrite)
TRIREME_INTERPOSED_PARTS_AT_2(preadv2, off_t, kRead)
TRIREME_INTERPOSED_PARTS_AT_2(preadv64v2, off64_t, kRead)
TRIREME_INTERPOSED_PARTS_AT_2(pwritev2, off_t, kWrite)
TRIREME_INTERPOSED_PARTS_AT_2(pwritev64v2, off64_t, kWrite)
