#include "runners/sdk/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "trireme/errors.h"

namespace trireme {
namespace {

SocketAddress OfPath(const std::string& path) {
  SocketAddress result;
  auto& address = reinterpret_cast<sockaddr_un&>(result.storage);
  if (path.size() >= sizeof(address.sun_path)) throw IoError(ENAMETOOLONG, path);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  result.size = sizeof(address);
  return result;
}

SocketAddress OfHost(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string text = host == "localhost" ? "127.0.0.1" : host;
  const int error = ::getaddrinfo(text.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) throw ResolveError(error, host);
  SocketAddress result;
  std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  result.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return result;
}

Address NoAddress() { return Address(std::string()); }

Address AddressBy(decltype(&::getsockname) get, int fd) {
  SocketAddress name;
  name.size = sizeof(name.storage);
  return get(fd, name.get(), &name.size) == 0 ? FromSocketAddress(name) : NoAddress();
}

}  // namespace

SocketAddress ToSocketAddress(const Address& address) {
  return address.is_path() ? OfPath(address.host()) : OfHost(address.host(), address.port());
}

Address FromSocketAddress(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return Address(text.data(), ntohs(v4.sin_port));
  }
  if (address.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return Address(text.data(), ntohs(v6.sin6_port));
  }
  const auto& local = reinterpret_cast<const sockaddr_un&>(address.storage);
  constexpr size_t kPath = offsetof(sockaddr_un, sun_path);
  if (address.family() != AF_UNIX || address.size <= kPath) return NoAddress();
  return Address(std::string(local.sun_path, ::strnlen(local.sun_path, address.size - kPath)));
}

Address OwnAddress(int fd) { return AddressBy(::getsockname, fd); }
Address PeerAddress(int fd) { return AddressBy(::getpeername, fd); }

}  // namespace trireme
