#include "harness/fault/call_errors.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "harness/history/compiled_plan.h"

namespace trireme {
namespace {

// What any call may want, or be forbidden by a filter of system calls.
constexpr std::array kOfAnyCall = {ENOMEM, EPERM, ENOSYS};
// A wrong descriptor or argument, and a signal.
constexpr std::array kOfAnyDescriptor = {EBADF, EFAULT, EINTR, EINVAL};
// What came back of the network before, by ICMP or a peer, and is told to the next call on the socket. ECONNABORTED is
// of a socket that an administrator ended.
constexpr std::array kOfAnySocket = {ENOTSOCK,   EOPNOTSUPP,   ENOBUFS,     EACCES,   ECONNABORTED,
                                     ECONNRESET, ECONNREFUSED, EHOSTDOWN,   ENETDOWN, EHOSTUNREACH,
                                     ENETRESET,  ENETUNREACH,  ENOPROTOOPT, EPROTO,   ETIMEDOUT};
// A disk, a server of files that is away or has forgotten the file, and a program that serves them and has ended.
constexpr std::array kOfAnyFile = {EIO,       ENXIO,     ENODEV,   ESTALE,      EACCES,
                                   ETIMEDOUT, EHOSTDOWN, ENOTCONN, ECONNABORTED};

// Paths of Unix sockets and of files.
constexpr std::array kOfAnyPath = {ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR};
constexpr std::array kOfConnect = {EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN,
                                   EALREADY,   EISCONN,       ENODEV,       EIO};
constexpr std::array kOfAccept = {EAGAIN, EMFILE, ENFILE, EPROTONOSUPPORT};
constexpr std::array kOfReceiving = {EAGAIN, EIO, EMSGSIZE, ENOTCONN};
constexpr std::array kOfSending = {EAGAIN,  EADDRNOTAVAIL, EAFNOSUPPORT, EALREADY,
                                   EIO,     EDESTADDRREQ,  EISCONN,      EMSGSIZE,
                                   ENOTCONN, EPIPE,         ESHUTDOWN};
constexpr std::array kOfReadingFiles = {EBUSY, EISDIR, EOVERFLOW, ESPIPE};
constexpr std::array kOfWritingFiles = {EBUSY,     EDQUOT, EFBIG,  ENOSPC,
                                        EOVERFLOW, EROFS,  ESPIPE, ETXTBSY};
constexpr std::array kOfOpen = {EBUSY,  EDQUOT,     EEXIST,    EFBIG, EISDIR, EMFILE, ENFILE,
                                ENOSPC, EOPNOTSUPP, EOVERFLOW, EROFS, ETXTBSY};
constexpr std::array kOfStoring = {EDQUOT, ENOSPC, EROFS};
constexpr std::array kOfEpoll = {EBADF, EFAULT, EINTR, EINVAL};
constexpr std::array kOfFork = {EAGAIN};
constexpr std::array kOfThread = {EAGAIN, EINVAL};
constexpr std::array kOfSocket = {EACCES, EAFNOSUPPORT, EINVAL,          EMFILE,
                                  ENFILE, ENOBUFS,      EPROTONOSUPPORT};
constexpr std::array kOfMalloc = {ENOMEM};

using Codes = std::span<const int>;

// A call, and all that it fails with.
struct CallFailures {
  trireme_fault_call call;
  std::array<Codes, 7> codes;
};

// read and write are of sockets, pipes, files and devices alike.
const std::array kCallFailures = {
    CallFailures{TRIREME_CALL_CONNECT,
                 {kOfAnyCall, kOfAnyDescriptor, kOfAnySocket, kOfAnyPath,
                  kOfConnect}},
    CallFailures{TRIREME_CALL_ACCEPT, {kOfAnyCall, kOfAnyDescriptor, kOfAnySocket, kOfAccept}},
    CallFailures{TRIREME_CALL_RECV, {kOfAnyCall, kOfAnyDescriptor, kOfAnySocket, kOfReceiving}},
    CallFailures{TRIREME_CALL_SEND,
                 {kOfAnyCall, kOfAnyDescriptor, kOfAnySocket, kOfAnyPath, kOfSending}},
    CallFailures{TRIREME_CALL_READ,
                 {kOfAnyCall, kOfAnyDescriptor, kOfAnySocket, kOfReceiving, kOfAnyFile,
                  kOfReadingFiles}},
    CallFailures{TRIREME_CALL_WRITE,
                 {kOfAnyCall, kOfAnyDescriptor, kOfAnySocket, kOfSending, kOfAnyPath, kOfAnyFile,
                  kOfWritingFiles}},
    CallFailures{TRIREME_CALL_OPEN,
                 {kOfAnyCall, kOfAnyDescriptor, kOfAnyFile, kOfAnyPath, kOfOpen}},
    CallFailures{TRIREME_CALL_FSYNC, {kOfAnyCall, kOfAnyDescriptor, kOfAnyFile, kOfStoring}},
    CallFailures{TRIREME_CALL_CLOSE, {kOfAnyCall, kOfAnyDescriptor, kOfAnyFile, kOfStoring}},
    CallFailures{TRIREME_CALL_EPOLL_WAIT, {kOfAnyCall, kOfEpoll}},
    CallFailures{TRIREME_CALL_FORK, {kOfAnyCall, kOfFork}},
    CallFailures{TRIREME_CALL_THREAD, {kOfAnyCall, kOfThread}},
    CallFailures{TRIREME_CALL_SOCKET, {kOfAnyCall, kOfSocket}},
    CallFailures{TRIREME_CALL_MALLOC, {kOfMalloc}}};

bool FailsWith(const CallFailures& failures, int code) {
  return std::ranges::any_of(failures.codes, [code](const Codes& codes) {
    return std::ranges::find(codes, code) != codes.end();
  });
}

}  // namespace

uint32_t CallsThatFailWith(int code) {
  uint32_t calls = 0;
  for (const CallFailures& failures : kCallFailures)
    if (FailsWith(failures, code)) calls |= 1U << failures.call;
  return calls;
}

}  // namespace trireme
