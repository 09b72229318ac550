#include "tests/harness/fault/sockets.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "harness/base/rng.h"

namespace trireme {
namespace {

UniqueFd NewSocket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(fd.valid());
  const timeval patience{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  return fd;
}

}  // namespace

UniqueFd ListenSocket() {
  UniqueFd fd = NewSocket(AF_INET);
  const LoopbackAddress any = LoopbackAddress::Any();
  EXPECT_EQ(::bind(fd.get(), any.get(), any.size()), 0);
  EXPECT_EQ(::listen(fd.get(), 1024), 0);
  return fd;
}

LoopbackAddress NameOf(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  EXPECT_EQ(::getsockname(fd, address, &size), 0);
  return *LoopbackAddress::Of(address, size);
}

UniqueFd ConnectSocket(const LoopbackAddress& to) {
  UniqueFd fd = NewSocket(to.family());
  EXPECT_EQ(::connect(fd.get(), to.get(), to.size()), 0) << std::strerror(errno);
  return fd;
}

UniqueFd AcceptSocket(int listener) {
  UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(fd.valid()) << std::strerror(errno);
  const timeval patience{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  return fd;
}

void SendAll(int fd, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t size = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    ASSERT_GT(size, 0) << ::strerrorname_np(errno);
    sent += static_cast<size_t>(size);
  }
}

std::string ReadExactly(int fd, size_t size) {
  std::string bytes(size, '\0');
  const ssize_t got = size == 0 ? 0 : ::recv(fd, bytes.data(), size, MSG_WAITALL);
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

Rest ReadRest(int fd) {
  Rest rest;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got > 0) rest.bytes.append(buffer.data(), static_cast<size_t>(got));
    if (got < 0) rest.error = ::strerrorname_np(errno);
    if (got <= 0) return rest;
  }
}

bool IsQuiet(int fd) {
  pollfd poll_fd{.fd = fd, .events = POLLIN | POLLRDHUP, .revents = 0};
  return ::poll(&poll_fd, 1, 0) == 0;
}

void EndByReset(UniqueFd fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
}

std::string Pattern(size_t size, uint64_t seed) {
  Rng rng(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(rng.Next());
  return bytes;
}

}  // namespace trireme
