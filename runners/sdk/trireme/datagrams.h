#ifndef TRIREME_WORKLOAD_DATAGRAMS_H_
#define TRIREME_WORKLOAD_DATAGRAMS_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "trireme/place.h"
#include "trireme/streams.h"
#include "trireme/task.h"

namespace trireme {

namespace internal {
struct DatagramState;
}  // namespace internal

struct Received {
  std::string data;
  Address sender;  // an empty path: it has none
};

// A datagram socket. A handle like Stream: copies are the same socket, and errors are IoError.
class Datagram {
 public:
  Datagram() = default;
  explicit Datagram(std::shared_ptr<internal::DatagramState> state) : state_(std::move(state)) {}

  // What SendTo() of another takes.
  const Address& address() const;
  // One datagram; EMSGSIZE for more than one can hold. `data` must live until this is awaited.
  Task<> SendTo(std::string_view data, Address address,
                internal::Place place = internal::Place::Here());
  // The next datagram, of which at most `size` bytes: what was longer is lost, as recvfrom(2) has it.
  Task<Received> RecvFrom(size_t size, internal::Place place = internal::Place::Here());
  // Wakes who waits on it, with EBADF. Of a Unix socket, takes its path away too. Twice is fine.
  void Close();
  int fileno() const;

 private:
  std::shared_ptr<internal::DatagramState> state_;
};

}  // namespace trireme

#endif  // TRIREME_WORKLOAD_DATAGRAMS_H_
