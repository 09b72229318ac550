#include "trireme/streams.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runners/sdk/io.h"
#include "trireme/runtime.h"

namespace trireme {
namespace {

using internal::ComeTo;
using internal::ListenerState;
using internal::Place;
using internal::StreamState;

constexpr size_t kFill = 16 * 1024;

int64_t Checked(int64_t result, const char* what) {
  if (result < 0) throw IoError(static_cast<int>(-result), what);
  return result;
}

// The waiting half of a call, where coroutines suspend. `call` must live on.
Task<int64_t> IoLater(const char* kind, uint64_t ordinal, IoState& io, IoCall& call) {
  Point point(kind, ordinal);
  const IoUse use(&io);
  for (;;) {
    point.Wait(io.object().number());
    co_await Parked(point.task(), point.task().Deadline(), &io, call.direction());
    point.Check();
    if (io.closed()) co_return -EBADF;
    const int64_t result = point.task().backend->Io(point, io, call);
    if (result != kWouldWait) co_return result;
  }
}

int64_t IoNow(const char* kind, uint64_t ordinal, IoState* io, IoCall& call) {
  Point point(kind, ordinal);
  const IoUse use(io);
  return point.task().backend->Io(point, *io, call);
}

// The number of this call in its task. Throws when the task shall stop.
uint64_t NextOrdinal(const char* kind) { return Point(kind).ordinal(); }

// The same, of a call that reads from or writes to a stream, also to one that is closed.
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

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress PathAddress(const std::string& path) {
  SocketAddress result;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw IoError(ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.data(), path.size());
  std::memcpy(&result.storage, &address, sizeof(address));
  result.size = sizeof(address);
  return result;
}

// `host` is an address, not a name: Runtime::Resolve() is for names.
SocketAddress HostAddress(const std::string& host, int port) {
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

SocketAddress ToSocketAddress(const Address& address) {
  return address.is_path() ? PathAddress(address.host())
                           : HostAddress(address.host(), address.port());
}

int BoundPort(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  if (bound.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

int MakeSocket(int family) {
  const int fd =
      ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | CurrentTaskState().backend->socket_flags(), 0);
  if (fd < 0) throw IoError(errno, "socket");
  return fd;
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

// "127.0.0.1:4711" by getsockname() or getpeername(); "" where the end has no such name.
std::string NameOfEnd(int fd, decltype(&::getsockname) get) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (get(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return "";
  const bool six = name.ss_family == AF_INET6;
  if (!six && name.ss_family != AF_INET) return "";
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = six ? static_cast<const void*>(&v6.sin6_addr) : &v4.sin_addr;
  ::inet_ntop(name.ss_family, bytes, text.data(), text.size());
  return std::string(text.data()) + ':' + std::to_string(ntohs(six ? v6.sin6_port : v4.sin_port));
}

// By what the two ends of a connection find each other in a history.
void RecordEnds(const IoState& stream) {
  if (Probe().attached() == 0) return;
  const std::string here = NameOfEnd(stream.fd(), ::getsockname);
  const std::string there = NameOfEnd(stream.fd(), ::getpeername);
  if (!here.empty() && !there.empty()) stream.object().Record("connected", here + ' ' + there);
}
void RecordPair(const SyncObject& here, const SyncObject& there) {
  const auto name = [](const SyncObject& end) { return '#' + std::to_string(end.number()); };
  here.Record("connected", name(here) + ' ' + name(there));
}

std::shared_ptr<ListenerState> MakeListener(const SocketAddress& where, const Address& address,
                                            const Place& place) {
  const int fd = MakeSocket(where.get()->sa_family);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd, where.get(), where.size) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    const int error = errno;
    ::close(fd);
    throw IoError(error, "listen on " + address.text());
  }
  const Address bound = address.is_path() ? address : Address(address.host(), BoundPort(fd));
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

namespace internal {

void ListenerState::End() {
  if (!closed() && !path.empty()) ::unlink(path.c_str());
  Close();
}

}  // namespace internal

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
      Listener(MakeListener(HostAddress(host, port), Address(host, port), place)));
}

Task<Listener> Runtime::ListenUnix(const std::string& path, Place place) {
  return Task<Listener>::Ready(Listener(MakeListener(PathAddress(path), Address(path), place)));
}

Task<Stream> Runtime::Connect(Address address, Place place) {
  ComeTo(place);
  const uint64_t ordinal = NextOrdinal("connect");
  const SocketAddress where = ToSocketAddress(address);
  auto stream = MakeStream(MakeSocket(where.get()->sa_family), place);
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
