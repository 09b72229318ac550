#include "harness/fault/proxy_ports.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace trireme {
namespace {

constexpr int kMostTries = 16;

}  // namespace

int ProxyPorts::BindListener(int fd, const LoopbackAddress& host) {
  return Bind(fd, host, ports_, &listeners_);
}

int ProxyPorts::BindClient(int fd, const LoopbackAddress& host) {
  const auto between = static_cast<uint16_t>(std::max(ports_.count - 2, 0));
  return Bind(fd, host, {static_cast<uint16_t>(ports_.first + 1), between}, &clients_);
}

// Those that others have, and those of connections that are over, are passed over; a Unix socket has none.
int ProxyPorts::Bind(int fd, const LoopbackAddress& host, PortRange ports,
                     std::atomic<uint32_t>* tried) {
  const uint32_t count = host.family() == AF_UNIX ? 0 : ports.count / 2U;
  for (uint32_t i = 0; i < std::min<uint32_t>(count, kMostTries); ++i) {
    const uint32_t number = tried->fetch_add(1, std::memory_order_relaxed) % count;
    const LoopbackAddress address = host.WithPort(static_cast<uint16_t>(ports.first + 2 * number));
    if (::bind(fd, address.get(), address.size()) == 0) return 0;
    if (errno != EADDRINUSE) return errno;
  }
  return ::bind(fd, host.get(), host.size()) == 0 ? 0 : errno;
}

}  // namespace trireme
