#ifndef TRIREME_HARNESS_FAULT_LOOPBACK_H_
#define TRIREME_HARNESS_FAULT_LOOPBACK_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>

#include "harness/base/result.h"

namespace trireme {

// An address on this machine: 127.0.0.0/8, ::1, or a Unix socket. There is no way to make
// one of anything beyond, so what connects and listens by it stays here.
class LoopbackAddress {
 public:
  // "127.0.0.1:5432", "[::1]:5432", "unix:/run/server.sock"; an abstract Unix name begins with '@'.
  static Result<LoopbackAddress> Parse(const std::string& text);
  static Result<LoopbackAddress> Of(const sockaddr* address, socklen_t size);
  // The socket's own.
  static Result<LoopbackAddress> OfSocket(int fd);
  // 127.0.0.1, any free port.
  static LoopbackAddress Any();

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  // In the host's byte order; 0 for a Unix socket.
  uint16_t port() const;
  // As Parse() takes it.
  std::string ToString() const;
  // The same host's. REQUIRES: no Unix socket.
  LoopbackAddress WithPort(uint16_t port) const;
  // The same family's address from which a connection to this one comes, with any port: to bind to.
  LoopbackAddress Source() const;

  bool operator==(const LoopbackAddress& other) const;

 private:
  LoopbackAddress() = default;
  void Unmap();

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_LOOPBACK_H_
