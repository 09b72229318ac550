#include "trireme/streams.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "runners/sdk/io.h"
#include "runners/sdk/io_calls.h"
#include "runners/sdk/socket_address.h"
#include "trireme/runtime.h"

namespace trireme {
namespace {

using internal::ComeTo;
using internal::ListenerState;
using internal::Place;
using internal::StreamState;

constexpr size_t kFill = 16 * 1024;

// The number of a call that reads from or writes to a stream, also to one that is closed.
uint64_t Begin(const char* kind, const std::shared_ptr<StreamState>& stream,
               std::string_view action) {
  const uint64_t ordinal = NextOrdinal(kind);
  if (stream != nullptr) stream->object().Record(action);
  return ordinal;
}

// Where coroutines suspend: from the call that reads to the one that takes what was read, no other
// task of the thread runs.
std::array<char, kFill>& SharedBuffer() {
  thread_local std::array<char, kFill> buffer;
  return buffer;
}

Task<std::string> RecvLater(std::shared_ptr<StreamState> stream, size_t size, uint64_t ordinal) {
  std::string large(size > kFill ? size : 0, '\0');
  char* const data = size > kFill ? large.data() : SharedBuffer().data();
  IoCall call{.kind = IoCall::Kind::kRecv, .data = data, .size = size};
  const auto bytes =
      static_cast<size_t>(Checked(co_await IoLater("recv", ordinal, *stream, call), "recv"));
  if (size <= kFill) co_return std::string(data, bytes);
  large.resize(bytes);
  co_return large;
}

Task<std::string> RecvSome(const std::shared_ptr<StreamState>& stream, size_t size,
                           uint64_t ordinal) {
  std::array<char, kFill> small;
  std::string large;
  if (size > small.size()) large.resize(size);
  IoCall call{.kind = IoCall::Kind::kRecv,
              .data = size > small.size() ? large.data() : small.data(),
              .size = size};
  const int64_t got = IoNow("recv", ordinal, stream.get(), call);
  if (got == kWouldWait) return RecvLater(stream, size, ordinal);
  const size_t bytes = static_cast<size_t>(Checked(got, "recv"));
  if (size <= small.size()) return Task<std::string>::Ready(std::string(small.data(), bytes));
  large.resize(bytes);
  return Task<std::string>::Ready(std::move(large));
}

// Takes what `Find` says is whole, reading on until it is.
template <typename Find>
Task<std::string> CollectLater(std::shared_ptr<StreamState> stream, uint64_t ordinal, Find find,
                               Task<std::string> more) {
  std::string data = co_await std::move(more);
  for (;;) {
    stream->rest += data;
    if (std::optional<std::string> whole = find(*stream, data.empty())) co_return std::move(*whole);
    data = co_await RecvSome(stream, kFill, ordinal);
  }
}

template <typename Find>
Task<std::string> Collect(const std::shared_ptr<StreamState>& stream, Find find) {
  const uint64_t ordinal = Begin("recv", stream, "read");
  { const IoUse use(stream.get()); }
  if (std::optional<std::string> whole = find(*stream, false))
    return Task<std::string>::Ready(std::move(*whole));
  for (;;) {
    Task<std::string> more = RecvSome(stream, kFill, ordinal);
    if (!more.is_ready()) return CollectLater(stream, ordinal, std::move(find), std::move(more));
    const std::string data = more.await_resume();
    stream->rest += data;
    if (std::optional<std::string> whole = find(*stream, data.empty()))
      return Task<std::string>::Ready(std::move(*whole));
  }
}

std::string TakeFront(std::string& rest, size_t size) {
  std::string front = rest.substr(0, size);
  rest.erase(0, size);
  return front;
}

Task<> SendLater(std::shared_ptr<StreamState> stream, std::string_view data, uint64_t ordinal) {
  while (!data.empty()) {
    IoCall call{
        .kind = IoCall::Kind::kSend, .data = const_cast<char*>(data.data()), .size = data.size()};
    int64_t sent = IoNow("send", ordinal, stream.get(), call);
    if (sent == kWouldWait) sent = co_await IoLater("send", ordinal, *stream, call);
    data.remove_prefix(static_cast<size_t>(Checked(sent, "send")));
  }
}

// Small messages must not wait for each other's acknowledgements: that would measure the kernel,
// not the runtime.
void SetNoDelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

std::shared_ptr<StreamState> MakeStream(int fd, const Place& place) {
  return std::make_shared<StreamState>(fd, SyncObject("stream", 0, place));
}

// By what the two ends of a connection find each other in a history. Those of Unix sockets have no such names.
void RecordEnds(const IoState& stream) {
  if (Probe().attached() == 0) return;
  const Address here = OwnAddress(stream.fd());
  const Address there = PeerAddress(stream.fd());
  if (!here.is_path() && !there.is_path())
    stream.object().Record("connected", here.text() + ' ' + there.text());
}
void RecordPair(const SyncObject& here, const SyncObject& there) {
  const auto name = [](const SyncObject& end) { return '#' + std::to_string(end.number()); };
  here.Record("connected", name(here) + ' ' + name(there));
}

std::shared_ptr<ListenerState> MakeListener(const SocketAddress& where, const Address& address,
                                            const Place& place) {
  const int fd = MakeSocket(where.get()->sa_family, SOCK_STREAM);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd, where.get(), where.size) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    const int error = errno;
    ::close(fd);
    throw IoError(error, "listen on " + address.text());
  }
  const Address bound = address.is_path() ? address : Address(address.host(), OwnAddress(fd).port());
  return std::make_shared<ListenerState>(fd, SyncObject("stream", 0, place), bound,
                                         address.is_path() ? address.host() : "");
}

Stream AcceptedStream(int64_t fd, const Place& place) {
  Checked(fd, "accept");
  SetNoDelay(static_cast<int>(fd));
  auto stream = MakeStream(static_cast<int>(fd), place);
  RecordEnds(*stream);
  return Stream(std::move(stream));
}

Task<Stream> AcceptLater(std::shared_ptr<ListenerState> listener, uint64_t ordinal, Place place) {
  IoCall call{.kind = IoCall::Kind::kAccept};
  co_return AcceptedStream(co_await IoLater("accept", ordinal, *listener, call), place);
}

Task<Stream> ConnectLater(std::shared_ptr<StreamState> stream, SocketAddress where,
                          uint64_t ordinal) {
  IoCall call{.kind = IoCall::Kind::kConnect, .address = where.get(), .address_size = where.size};
  Checked(co_await IoLater("connect", ordinal, *stream, call), "connect");
  RecordEnds(*stream);
  co_return Stream(std::move(stream));
}

}  // namespace

Task<std::string> Stream::Recv(size_t size, Place place) {
  ComeTo(place);
  const uint64_t ordinal = Begin("recv", state_, "read");
  if (size == 0) {  // recv(2) would wait for bytes, and then take none
    const IoUse use(state_.get());
    return Task<std::string>::Ready("");
  }
  if (state_ != nullptr && !state_->rest.empty() && !state_->closed())
    return Task<std::string>::Ready(TakeFront(state_->rest, size));
  return RecvSome(state_, size, ordinal);
}

Task<std::string> Stream::RecvExactly(size_t size, Place place) {
  ComeTo(place);
  return Collect(state_, [size](StreamState& stream, bool end) -> std::optional<std::string> {
    if (stream.rest.size() >= size) return TakeFront(stream.rest, size);
    if (end) throw EndOfStream();
    return std::nullopt;
  });
}

Task<std::string> Stream::RecvUntil(std::string separator, Place place) {
  ComeTo(place);
  return Collect(state_,
                 [separator = std::move(separator), searched = size_t{0}](
                     StreamState& stream, bool end) mutable -> std::optional<std::string> {
                   const size_t found = stream.rest.find(separator, searched);
                   if (found != std::string::npos)
                     return TakeFront(stream.rest, found + separator.size());
                   if (end) return std::string();
                   searched = stream.rest.size() < separator.size()
                                  ? 0
                                  : stream.rest.size() - separator.size() + 1;
                   return std::nullopt;
                 });
}

Task<> Stream::SendAll(std::string_view data, Place place) {
  ComeTo(place);
  const uint64_t ordinal = Begin("send", state_, "write");
  const IoUse use(state_.get());
  while (!data.empty()) {
    IoCall call{
        .kind = IoCall::Kind::kSend, .data = const_cast<char*>(data.data()), .size = data.size()};
    const int64_t sent = IoNow("send", ordinal, state_.get(), call);
    if (sent == kWouldWait) return SendLater(state_, data, ordinal);
    data.remove_prefix(static_cast<size_t>(Checked(sent, "send")));
  }
  return internal::Done();
}

void Stream::Shutdown() {
  const IoUse use(state_.get());
  if (::shutdown(state_->fd(), SHUT_WR) != 0 && errno != ENOTCONN) throw IoError(errno, "shutdown");
}

void Stream::Close() {
  if (state_ != nullptr) state_->Close();
}

Stream Stream::Dup() {
  const IoUse use(state_.get());
  const int fd = ::fcntl(state_->fd(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) throw IoError(errno, "dup");
  return Stream(std::make_shared<StreamState>(fd, state_->object()));
}

int Stream::fileno() const { return state_ == nullptr || state_->closed() ? -1 : state_->fd(); }

const Address& Listener::address() const {
  if (state_ == nullptr) throw IoError(EBADF, "no listener");
  return state_->address;
}

Task<Stream> Listener::Accept(Place place) {
  ComeTo(place);
  const uint64_t ordinal = NextOrdinal("accept");
  IoCall call{.kind = IoCall::Kind::kAccept};
  const IoUse use(state_.get());
  const int64_t fd = IoNow("accept", ordinal, state_.get(), call);
  if (fd == kWouldWait) return AcceptLater(state_, ordinal, place);
  return Task<Stream>::Ready(AcceptedStream(fd, place));
}

void Listener::Close() {
  if (state_ != nullptr) state_->End();
}

int Listener::fileno() const { return state_ == nullptr || state_->closed() ? -1 : state_->fd(); }

Task<Listener> Runtime::Listen(const std::string& host, int port, Place place) {
  return Task<Listener>::Ready(
      Listener(MakeListener(ToSocketAddress(Address(host, port)), Address(host, port), place)));
}

Task<Listener> Runtime::ListenUnix(const std::string& path, Place place) {
  const Address address(path);
  return Task<Listener>::Ready(Listener(MakeListener(ToSocketAddress(address), address, place)));
}

Task<Stream> Runtime::Connect(Address address, Place place) {
  ComeTo(place);
  const uint64_t ordinal = NextOrdinal("connect");
  const SocketAddress where = ToSocketAddress(address);
  auto stream = MakeStream(MakeSocket(where.get()->sa_family, SOCK_STREAM), place);
  if (!address.is_path()) SetNoDelay(stream->fd());
  IoCall call{.kind = IoCall::Kind::kConnect, .address = where.get(), .address_size = where.size};
  const int64_t result = IoNow("connect", ordinal, stream.get(), call);
  if (result == kWouldWait) return ConnectLater(std::move(stream), where, ordinal);
  Checked(result, "connect");
  RecordEnds(*stream);
  return Task<Stream>::Ready(Stream(std::move(stream)));
}

Task<std::pair<Stream, Stream>> Runtime::Socketpair(Place place) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | CurrentTaskState().backend->socket_flags(),
                   0, ends.data()) != 0)
    throw IoError(errno, "socketpair");
  auto first = MakeStream(ends[0], place);
  auto second = MakeStream(ends[1], place);
  RecordPair(first->object(), second->object());
  RecordPair(second->object(), first->object());
  return Task<std::pair<Stream, Stream>>::Ready(
      {Stream(std::move(first)), Stream(std::move(second))});
}

}  // namespace trireme
