#include "harness/fault/proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "harness/base/check.h"
#include "harness/fault/proxy_connection.h"

namespace trireme {
namespace {

constexpr int kAcceptsOfTurn = 64;
constexpr int kBacklog = 4096;
// For a port that is free on 127.0.0.1 and on ::1.
constexpr int kPortAttempts = 16;

// 0, or an errno.
int BindTo(int fd, const LoopbackAddress& address) {
  return ::bind(fd, address.get(), address.size()) == 0 ? 0 : errno;
}

// Without `ports` at the address's own.
Result<UniqueFd> ListenAt(const LoopbackAddress& address, ProxyPorts* ports) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoError("cannot make the proxy's socket", errno);
  errno = ports != nullptr ? ports->BindListener(fd.get(), address) : BindTo(fd.get(), address);
  if (errno != 0 || ::listen(fd.get(), kBacklog) != 0)
    return ErrnoError("the proxy cannot listen on " + address.ToString(), errno);
  return fd;
}

bool IsWantOfDescriptors(int error) { return error == EMFILE || error == ENFILE; }

UniqueFd Spare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

NetworkProxy::NetworkProxy(ProxyTable* table, ProxyReport report, ProxyPorts* ports)
    : table_(table), ports_(ports), report_([this, report = std::move(report)](ProxyEvent event) {
        const MutexLock lock(report_mutex_);
        report(std::move(event));
      }) {}

Result<std::unique_ptr<NetworkProxy>> NetworkProxy::Start(ProxyTable* table, int64_t begin,
                                                          ProxyReport report,
                                                          ProxyPorts* ports) {
  std::unique_ptr<NetworkProxy> proxy(new NetworkProxy(table, std::move(report), ports));
  for (std::unique_ptr<ProxyLoop>& loop : proxy->loops_) {
    TRIREME_ASSIGN_OR_RETURN(loop, ProxyLoop::Start(table, begin, proxy->report_));
  }
  proxy->stop_.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  proxy->spare_ = Spare();
  if (!proxy->stop_.valid() || !proxy->spare_.valid())
    return ErrnoError("cannot make the proxy's descriptors", errno);
  TRIREME_RETURN_IF_ERROR(proxy->Listen());
  proxy->thread_ = StartProxyThread([raw = proxy.get()] { raw->Run(); });
  return proxy;
}

NetworkProxy::~NetworkProxy() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  TRIREME_CHECK(::write(stop_.get(), &one, sizeof(one)) == sizeof(one));
  thread_.join();
}

Status NetworkProxy::Listen() {
  for (int attempt = 0;; ++attempt) {
    TRIREME_ASSIGN_OR_RETURN(listeners_[0], ListenAt(LoopbackAddress::Any(), ports_));
    TRIREME_ASSIGN_OR_RETURN(const LoopbackAddress four,
                             LoopbackAddress::OfSocket(listeners_[0].get()));
    port_ = four.port();
    TRIREME_ASSIGN_OR_RETURN(const LoopbackAddress six,
                             LoopbackAddress::Parse("[::1]:" + std::to_string(port_)));
    Result<UniqueFd> second = ListenAt(six, nullptr);
    if (second.ok()) listeners_[1] = *std::move(second);
    // Without IPv6 nobody can connect by it either.
    if (listeners_[1].valid() || errno != EADDRINUSE || attempt == kPortAttempts) break;
  }
  return Done{};
}

void NetworkProxy::Run() {
  std::array<pollfd, 3> watched = {{{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                                    {.fd = listeners_[0].get(), .events = POLLIN, .revents = 0},
                                    {.fd = listeners_[1].get(), .events = POLLIN, .revents = 0}}};
  for (;;) {
    TRIREME_CHECK(::poll(watched.data(), watched.size(), -1) > 0 || errno == EINTR);
    if (watched[0].revents != 0) return;
    for (const pollfd& each : watched)
      if (each.revents != 0) Accept(each.fd);
  }
}

void NetworkProxy::Accept(int listener) {
  for (int i = 0; i < kAcceptsOfTurn; ++i) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    UniqueFd client(::accept4(listener, address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client.valid() && IsWantOfDescriptors(errno)) return Refuse(listener, errno);
    if (!client.valid()) return;
    const Result<LoopbackAddress> from = LoopbackAddress::Of(address, size);
    if (from.ok()) Admit(std::move(client), *from);
  }
}

// Else it would wait in the backlog, and the loop would turn for ever.
void NetworkProxy::Refuse(int listener, int error) {
  if (!std::exchange(told_want_, true))
    report_(UnservedEvent(
        "", "the proxy has no descriptor for a connection, two of which each takes", error));
  spare_.Reset();
  CloseByReset(UniqueFd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)));
  spare_ = Spare();
}

void NetworkProxy::Admit(UniqueFd client, const LoopbackAddress& from) {
  std::optional<ProxyTarget> target = table_->Take(from);
  if (!target) {
    CloseByReset(std::move(client));
    return report_(UnservedEvent("", "the proxy knows no connection from " + from.ToString(), 0));
  }
  auto connection = std::make_unique<ProxyConnection>(*std::move(target), std::move(client));
  const int error = connection->Bind(ports_);
  if (error != 0) {
    connection->Reset();
    return report_(UnservedEvent(connection->target().id, "the proxy cannot connect on", error));
  }
  connection->onward = connection->Onward();
  if (connection->onward) table_->Enter(connection->target(), *connection->onward);
  loops_[admitted_++ % loops_.size()]->Add(std::move(connection));
}

void NetworkProxy::Apply(const NetworkFault& fault) {
  for (const std::unique_ptr<ProxyLoop>& loop : loops_) loop->Apply(fault);
}

void NetworkProxy::Lift(uint16_t number) {
  for (const std::unique_ptr<ProxyLoop>& loop : loops_) loop->Lift(number);
}

size_t NetworkProxy::connections() {
  size_t sum = 0;
  for (const std::unique_ptr<ProxyLoop>& loop : loops_) sum += loop->connections();
  return sum;
}

}  // namespace trireme
