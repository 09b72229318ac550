#include "harness/fault/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>

#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr const char* kUnixPrefix = "unix:";
constexpr const char* kAddressHint =
    "say 127.0.0.1:PORT, [::1]:PORT or unix:PATH: faults stay on this machine";

bool Stays(const sockaddr_in& address) { return ntohl(address.sin_addr.s_addr) >> 24 == 127; }

bool Stays(const sockaddr_in6& address) {
  if (IN6_IS_ADDR_LOOPBACK(&address.sin6_addr)) return true;
  return IN6_IS_ADDR_V4MAPPED(&address.sin6_addr) && address.sin6_addr.s6_addr[12] == 127;
}

Diagnostic NoAddress(const std::string& text) {
  return UsageError("'" + text + "' is no address with a port", kAddressHint);
}

// "[::1]" without its brackets; "" without them, for "::1:53" is an address by itself.
std::string WithinBrackets(const std::string& host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : "";
}

std::optional<uint16_t> ParsePort(const std::string& text) {
  const std::optional<uint64_t> port = ParseUnsigned(text);
  if (!port || *port == 0 || *port > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(*port);
}

}  // namespace

Result<LoopbackAddress> LoopbackAddress::Of(const sockaddr* address, socklen_t size) {
  LoopbackAddress result;
  if (size < sizeof(sa_family_t) || size > sizeof(result.storage_))
    return UsageError("no address of a socket", kAddressHint);
  std::memcpy(&result.storage_, address, size);
  result.size_ = size;
  bool stays = result.family() == AF_UNIX;
  if (result.family() == AF_INET && size >= sizeof(sockaddr_in))
    stays = Stays(reinterpret_cast<const sockaddr_in&>(result.storage_));
  if (result.family() == AF_INET6 && size >= sizeof(sockaddr_in6))
    stays = Stays(reinterpret_cast<const sockaddr_in6&>(result.storage_));
  if (!stays) return UsageError("'" + result.ToString() + "' is beyond this machine", kAddressHint);
  result.Unmap();
  return result;
}

// What is mapped into IPv6 is the same place as without, so that there is one way to say it.
void LoopbackAddress::Unmap() {
  if (family() != AF_INET6) return;
  const auto six = reinterpret_cast<const sockaddr_in6&>(storage_);
  if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) return;
  *this = Any();
  auto& four = reinterpret_cast<sockaddr_in&>(storage_);
  four.sin_port = six.sin6_port;
  std::memcpy(&four.sin_addr, &six.sin6_addr.s6_addr[12], sizeof(four.sin_addr));
}

Result<LoopbackAddress> LoopbackAddress::Parse(const std::string& text) {
  if (text.starts_with(kUnixPrefix)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string path = text.substr(std::strlen(kUnixPrefix));
    if (path.empty() || path.size() >= sizeof(address.sun_path)) return NoAddress(text);
    std::memcpy(address.sun_path, path.data(), path.size());
    const bool abstract = path.front() == '@';
    if (abstract) address.sun_path[0] = '\0';
    const size_t size = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
    return Of(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return NoAddress(text);
  const std::optional<uint16_t> port = ParsePort(text.substr(colon + 1));
  const std::string host = text.substr(0, colon);
  if (!port) return NoAddress(text);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(*port);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1)
    return Of(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(*port);
  if (::inet_pton(AF_INET6, WithinBrackets(host).c_str(), &v6.sin6_addr) == 1)
    return Of(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
  return NoAddress(text);
}

Result<LoopbackAddress> LoopbackAddress::OfSocket(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd, address, &size) != 0)
    return ErrnoError("cannot tell a socket's address", errno);
  return Of(address, size);
}

LoopbackAddress LoopbackAddress::Any() {
  LoopbackAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage_);
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.size_ = sizeof(v4);
  return address;
}

uint16_t LoopbackAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
  return 0;
}

std::string LoopbackAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage_);
    ::inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
    return std::string(host.data()) + ":" + std::to_string(port());
  }
  if (family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage_);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
    return "[" + std::string(host.data()) + "]:" + std::to_string(port());
  }
  if (family() != AF_UNIX) return "family " + std::to_string(family());
  const auto& local = reinterpret_cast<const sockaddr_un&>(storage_);
  const size_t length = size_ - offsetof(sockaddr_un, sun_path);
  if (length == 0) return kUnixPrefix;
  if (local.sun_path[0] != '\0')
    return kUnixPrefix + std::string(local.sun_path, ::strnlen(local.sun_path, length));
  return std::string(kUnixPrefix) + "@" + std::string(local.sun_path + 1, length - 1);
}

LoopbackAddress LoopbackAddress::Source() const {
  LoopbackAddress source;
  if (family() == AF_UNIX) {
    source.storage_.ss_family = AF_UNIX;  // the kernel then chooses an abstract name
    source.size_ = sizeof(sa_family_t);
    return source;
  }
  if (family() == AF_INET) return Any();
  source = *this;
  auto& v6 = reinterpret_cast<sockaddr_in6&>(source.storage_);
  v6.sin6_port = 0;
  return source;
}

LoopbackAddress LoopbackAddress::WithPort(uint16_t port) const {
  LoopbackAddress address = *this;
  if (family() == AF_INET)
    reinterpret_cast<sockaddr_in&>(address.storage_).sin_port = htons(port);
  else
    reinterpret_cast<sockaddr_in6&>(address.storage_).sin6_port = htons(port);
  return address;
}

bool LoopbackAddress::operator==(const LoopbackAddress& other) const {
  return ToString() == other.ToString();
}

}  // namespace trireme
