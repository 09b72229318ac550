#ifndef TRIREME_RUNNERS_SDK_SOCKET_ADDRESS_H_
#define TRIREME_RUNNERS_SDK_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include "trireme/streams.h"

namespace trireme {

// An Address, as system calls take and give it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// The host is an address, not a name: Runtime::Resolve() is for names. Throws ResolveError, or IoError for a path that is too
// long.
SocketAddress ToSocketAddress(const Address& address);
// An empty path where it is none: of a Unix socket without a name.
Address FromSocketAddress(const SocketAddress& address);

// By getsockname() and getpeername(); an empty path where those fail.
Address OwnAddress(int fd);
Address PeerAddress(int fd);

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_SOCKET_ADDRESS_H_
