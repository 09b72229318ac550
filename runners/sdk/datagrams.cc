#include "trireme/datagrams.h"

#include <unistd.h>

#include <cerrno>

#include "runners/sdk/io.h"
#include "runners/sdk/io_calls.h"
#include "runners/sdk/socket_address.h"
#include "trireme/runtime.h"

namespace trireme {
namespace {

using internal::ComeTo;
using internal::DatagramState;
using internal::Place;

// Of a call under way: what it writes to. Lives where it is made until the call has ended.
struct Incoming {
  explicit Incoming(size_t size) : data(size, '\0') {}
  IoCall Call() {
    return {.kind = IoCall::Kind::kRecvFrom,
            .data = data.data(),
            .size = data.size(),
            .sender = sender.get(),
            .sender_size = &sender.size};
  }
  Received Take(int64_t result) {
    data.resize(static_cast<size_t>(Checked(result, "recvfrom")));
    return {std::move(data), FromSocketAddress(sender)};
  }

  std::string data;
  SocketAddress sender{.size = sizeof(sockaddr_storage)};
};

Task<Received> RecvFromLater(std::shared_ptr<DatagramState> socket, size_t size, uint64_t ordinal) {
  Incoming incoming(size);
  IoCall call = incoming.Call();
  co_return incoming.Take(co_await IoLater("recv", ordinal, *socket, call));
}

IoCall SendCall(std::string_view data, const SocketAddress& to) {
  return {.kind = IoCall::Kind::kSendTo,
          .data = const_cast<char*>(data.data()),
          .size = data.size(),
          .address = to.get(),
          .address_size = to.size};
}

Task<> SendToLater(std::shared_ptr<DatagramState> socket, std::string_view data, SocketAddress to,
                   uint64_t ordinal) {
  IoCall call = SendCall(data, to);
  Checked(co_await IoLater("send", ordinal, *socket, call), "sendto");
}

// The number of a call on the socket, also on one that is closed.
uint64_t Begin(const char* kind, const std::shared_ptr<DatagramState>& socket,
               std::string_view action) {
  const uint64_t ordinal = NextOrdinal(kind);
  if (socket != nullptr) socket->object().Record(action);
  return ordinal;
}

}  // namespace

const Address& Datagram::address() const {
  if (state_ == nullptr) throw IoError(EBADF, "no datagram socket");
  return state_->address;
}

Task<> Datagram::SendTo(std::string_view data, Address address, Place place) {
  ComeTo(place);
  const uint64_t ordinal = Begin("send", state_, "write");
  const SocketAddress to = ToSocketAddress(address);
  IoCall call = SendCall(data, to);
  const int64_t sent = IoNow("send", ordinal, state_.get(), call);
  if (sent == kWouldWait) return SendToLater(state_, data, to, ordinal);
  Checked(sent, "sendto");
  return internal::Done();
}

Task<Received> Datagram::RecvFrom(size_t size, Place place) {
  ComeTo(place);
  const uint64_t ordinal = Begin("recv", state_, "read");
  Incoming incoming(size);
  IoCall call = incoming.Call();
  const int64_t received = IoNow("recv", ordinal, state_.get(), call);
  if (received == kWouldWait) return RecvFromLater(state_, size, ordinal);
  return Task<Received>::Ready(incoming.Take(received));
}

void Datagram::Close() {
  if (state_ != nullptr) state_->End();
}

int Datagram::fileno() const { return state_ == nullptr || state_->closed() ? -1 : state_->fd(); }

Task<Datagram> Runtime::Datagram(Address address, Place place) {
  const SocketAddress where = ToSocketAddress(address);
  const int fd = MakeSocket(where.family(), SOCK_DGRAM);
  if (::bind(fd, where.get(), where.size) != 0) {
    const int error = errno;
    ::close(fd);
    throw IoError(error, "bind to " + address.text());
  }
  return Task<trireme::Datagram>::Ready(trireme::Datagram(std::make_shared<DatagramState>(
      fd, SyncObject("datagram", 0, place), OwnAddress(fd), address.is_path() ? address.host() : "")));
}

}  // namespace trireme
