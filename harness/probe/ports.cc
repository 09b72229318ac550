#include "harness/probe/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/recorder.h"

namespace trireme {
namespace {

constexpr int kGuesses = 16;

uint16_t& PortIn(sockaddr_storage* address) {
  return address->ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(address)->sin6_port
                                        : reinterpret_cast<sockaddr_in*>(address)->sin_port;
}

bool CopyOfAnyPort(const sockaddr* address, socklen_t size, sockaddr_storage* copy) {
  if (address == nullptr || size < sizeof(sockaddr_in) || size > sizeof(*copy)) return false;
  memcpy(copy, address, size);
  const bool internet = copy->ss_family == AF_INET ||
                        (copy->ss_family == AF_INET6 && size >= sizeof(sockaddr_in6));
  return internet && PortIn(copy) == 0;
}

int OptionOf(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  return syscall(SYS_getsockopt, fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// To the first that is free. Connections that are over keep theirs for a minute, so that most may be taken.
bool BindToFirstOf(int fd, sockaddr_storage* address, socklen_t size, uint16_t first,
                   uint16_t count) {
  for (uint32_t i = 0; i < count; i += 2) {
    PortIn(address) = htons(static_cast<uint16_t>(first + i));
    if (syscall(SYS_bind, fd, address, size) == 0) return true;
    if (errno != EADDRINUSE) return false;
  }
  return false;
}

void SetReuse(int fd, int value) {
  (void)syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &value, socklen_t{sizeof(value)});
}

}  // namespace

bool BindToPortOf(int fd, sockaddr_storage* address, socklen_t size, uint16_t first,
                  uint16_t count) {
  uint16_t& port = PortIn(address);
  uint64_t draw = Now() ^ uint64_t{ThreadId()} << 32;
  for (int guess = 0; guess < kGuesses; ++guess) {
    draw = draw * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;  // Knuth's MMIX generator
    port = htons(static_cast<uint16_t>(first + 2 * ((draw >> 33) % (count / 2))));
    if (syscall(SYS_bind, fd, address, size) == 0) return true;
    if (errno != EADDRINUSE) return false;
  }
  port = 0;
  return false;
}

bool BindToPortOfTrial(int fd, const sockaddr* address, socklen_t size) {
  const trireme_header* header = AttachedHeader();
  sockaddr_storage any;
  if (header == nullptr || header->ports == 0 || !CopyOfAnyPort(address, size, &any)) return false;
  const int error = errno;
  // Who reuses addresses may be bound to the port of another that does and does not listen yet. Of any port the kernel gives
  // each its own; those who share one by SO_REUSEPORT are left to it.
  const int reuse = OptionOf(fd, SO_REUSEADDR);
  bool bound = false;
  if (reuse >= 0 && OptionOf(fd, SO_REUSEPORT) == 0) {
    if (reuse != 0) SetReuse(fd, 0);
    const auto first = static_cast<uint16_t>(header->first_port);
    const auto count = static_cast<uint16_t>(header->ports);
    bound = BindToPortOf(fd, &any, size, first, count) ||
            (errno == EADDRINUSE && BindToFirstOf(fd, &any, size, first, count));
    if (reuse != 0) SetReuse(fd, reuse);
  }
  errno = error;
  return bound;
}

}  // namespace trireme
