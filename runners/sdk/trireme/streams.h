#ifndef TRIREME_WORKLOAD_STREAMS_H_
#define TRIREME_WORKLOAD_STREAMS_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "trireme/place.h"
#include "trireme/task.h"

namespace trireme {

namespace internal {
struct StreamState;
struct ListenerState;
}  // namespace internal

// Where a Listener listens: "127.0.0.1:8080", or the path of a Unix socket.
class Address {
 public:
  Address() = default;
  Address(std::string host, int port) : host_(std::move(host)), port_(port) {}
  explicit Address(std::string path) : host_(std::move(path)), port_(-1) {}

  bool is_path() const { return port_ < 0; }
  const std::string& host() const { return host_; }  // of a Unix socket, its path
  int port() const { return port_; }
  std::string text() const { return is_path() ? host_ : host_ + ":" + std::to_string(port_); }
  friend bool operator==(const Address&, const Address&) = default;

 private:
  std::string host_;
  int port_ = 0;
};

// A connected socket. A handle: copies are the same stream, which closes with the last of them.
// Errors are IoError; using a closed stream is one with EBADF. Thread safety: several tasks may use
// one, as they may a socket.
class Stream {
 public:
  Stream() = default;
  explicit Stream(std::shared_ptr<internal::StreamState> state) : state_(std::move(state)) {}

  // At most `size` bytes as soon as there are any; empty at the end. Of 0 bytes, empty at once.
  Task<std::string> Recv(size_t size, internal::Place place = internal::Place::Here());
  // Throws EndOfStream when the peer ends before.
  Task<std::string> RecvExactly(size_t size, internal::Place place = internal::Place::Here());
  // Up to and with the separator; empty when the peer ends before it.
  Task<std::string> RecvUntil(std::string separator,
                              internal::Place place = internal::Place::Here());
  Task<std::string> RecvUntil(char separator, internal::Place place = internal::Place::Here()) {
    return RecvUntil(std::string(1, separator), place);
  }
  // `data` must live until this is awaited.
  Task<> SendAll(std::string_view data, internal::Place place = internal::Place::Here());
  // No more will be sent; the peer sees the end.
  void Shutdown();
  // Wakes who waits on it, with EBADF. Twice is fine.
  void Close();
  // A stream of its own over the same connection.
  Stream Dup();
  int fileno() const;

 private:
  std::shared_ptr<internal::StreamState> state_;
};

// Accepts connections; a handle like Stream.
class Listener {
 public:
  Listener() = default;
  explicit Listener(std::shared_ptr<internal::ListenerState> state) : state_(std::move(state)) {}

  const Address& address() const;
  Task<Stream> Accept(internal::Place place = internal::Place::Here());
  // Of a Unix socket, takes its path away too. Twice is fine.
  void Close();
  int fileno() const;

 private:
  std::shared_ptr<internal::ListenerState> state_;
};

}  // namespace trireme

#endif  // TRIREME_WORKLOAD_STREAMS_H_
