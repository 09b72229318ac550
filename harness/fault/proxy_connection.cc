#include "harness/fault/proxy_connection.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

// How often is looked whether the bytes before a reset have left.
constexpr int64_t kLookInterval = kNanosecondsPerMillisecond;

void SendAtOnce(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // no Unix socket has it
}

// Bytes that the kernel has not sent yet: a reset would take them away. What it has sent is on this machine, where nothing is
// lost, in the other end's queue, and is read before the reset is seen. That it is acknowledged need not be waited for: to
// delay that, by 40 ms, is what TCP does where nothing is answered, and all of it would seem to be the program's.
bool IsUnderWay(int fd) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain == AF_UNIX)
    return false;
  int bytes = 0;
  return ::ioctl(fd, SIOCOUTQNSD, &bytes) == 0 && bytes > 0;
}

}  // namespace

void CloseByReset(UniqueFd fd) {
  if (!fd.valid()) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

ProxyConnection::ProxyConnection(ProxyTarget target, UniqueFd client)
    : target_(std::move(target)),
      pipes_{ProxyPipe(Way::kUp, Hash64(target_.id)), ProxyPipe(Way::kDown, Hash64(target_.id))} {
  ends_[0].fd = std::move(client);
  SendAtOnce(ends_[0].fd.get());
}

int ProxyConnection::Bind(ProxyPorts* ports) {
  const LoopbackAddress& to = target_.address;
  UniqueFd to_server(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!to_server.valid()) return errno;
  SendAtOnce(to_server.get());
  if (const int error = ports->BindClient(to_server.get(), to.Source()); error != 0) return error;
  ends_[1].fd = std::move(to_server);
  return 0;
}

std::optional<LoopbackAddress> ProxyConnection::Onward() const {
  Result<LoopbackAddress> name = LoopbackAddress::OfSocket(fd(1));
  if (!name.ok()) return std::nullopt;
  return *std::move(name);
}

void ProxyConnection::Connect() {
  const LoopbackAddress& to = target_.address;
  const bool done = ::connect(fd(1), to.get(), to.size()) == 0 || errno == EINPROGRESS;
  // The backlog of a Unix listener is full: nothing will tell when it is not.
  connect_again_ = !done && errno == EAGAIN;
  if (!done && !connect_again_) {
    error_ = errno;
    Reset();
  }
}

void ProxyConnection::FinishConnect(uint32_t events) {
  if (connect_again_ || (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
  socklen_t size = sizeof(error_);
  if (::getsockopt(fd(1), SOL_SOCKET, SO_ERROR, &error_, &size) != 0) error_ = errno;
  if (error_ != 0) return Reset();
  phase_ = Phase::kOpen;
}

void ProxyConnection::SetFaults(const std::vector<const NetworkFault*>& faults,
                                const PipeReport& report) {
  std::vector<const NetworkFault*> mine;
  std::copy_if(faults.begin(), faults.end(), std::back_inserter(mine),
               [this](const NetworkFault* fault) { return IsHitBy(*fault); });
  for (ProxyPipe& each : pipes_) each.SetFaults(mine, report);
}

bool ProxyConnection::IsHitBy(const NetworkFault& fault) const {
  if (fault.to && *fault.to != target_.address) return false;
  return fault.connection.empty() || GlobMatches(fault.connection, target_.id) ||
         GlobMatches(fault.connection, target_.name);
}

void ProxyConnection::OnEvents(int end, uint32_t events) {
  ProxyEnd& told = ends_[end];
  if ((events & EPOLLIN) != 0) told.readable = true;
  if ((events & EPOLLOUT) != 0) told.writable = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) told.hung_up = told.readable = true;
  if ((events & EPOLLERR) != 0) told.failed = true;
  if (phase_ == Phase::kConnecting && end == 1) FinishConnect(events);
}

void ProxyConnection::Read(int end, uint32_t events, int64_t now, std::span<char> scratch) {
  OnEvents(end, events);
  const Way way = kWays[end];
  if (phase_ == Phase::kOpen && !pipe(way).ended()) pipe(way).Read(source(way), now, scratch);
}

bool ProxyConnection::Pump(int64_t now, std::span<char> scratch, const PipeReport& report) {
  wake_ = ProxyPipe::kNoWake;
  again_ = false;
  if (phase_ == Phase::kConnecting && connect_again_) {
    Connect();
    wake_ = now + kLookInterval;
  }
  for (const Way way : kWays)
    if (phase_ == Phase::kOpen && !pipe(way).ended()) PumpWay(way, now, scratch, report);
  for (const Way way : kWays)
    if (phase_ == Phase::kOpen && sink(way).failed && pipe(Other(way)).ended()) OnSinkGone(way);
  if (phase_ == Phase::kResetting) ContinueReset(now);
  if (phase_ == Phase::kFinishing) ContinueFinish(scratch);
  return phase_ != Phase::kOver;
}

void ProxyConnection::PumpWay(Way way, int64_t now, std::span<char> scratch,
                              const PipeReport& report) {
  const ProxyPipe::Turn turn = pipe(way).Pump(source(way), sink(way), now, scratch, report);
  wake_ = std::min(wake_, turn.wake);
  again_ |= turn.again;
  OnOutcome(way, turn.outcome);
}

void ProxyConnection::OnOutcome(Way way, ProxyPipe::Outcome outcome) {
  switch (outcome) {
    case ProxyPipe::Outcome::kGoesOn:
      return;
    case ProxyPipe::Outcome::kEnded:
      if (pipe(Other(way)).ended()) phase_ = Phase::kOver;
      return;
    case ProxyPipe::Outcome::kResetSink:
      return BeginReset(way);
    case ProxyPipe::Outcome::kSinkGone:
      return OnSinkGone(way);
    case ProxyPipe::Outcome::kClose:
      return BeginClose(way);
  }
}

// What the sink had sent before it went is still passed on; its end is then a reset.
void ProxyConnection::OnSinkGone(Way way) {
  pipe(way).Stop();
  sink(way).reset = sink(way).readable = true;
  again_ = true;
  if (pipe(Other(way)).ended()) BeginReset(Other(way));
}

void ProxyConnection::BeginClose(Way way) {
  if (pipe(way).closing() == NetworkFault::Close::kRst) return BeginReset(way);
  for (const ProxyEnd& end : ends_) ::shutdown(end.fd.get(), SHUT_WR);
  phase_ = Phase::kFinishing;
}

void ProxyConnection::BeginReset(Way way) {
  closing_way_ = way;
  phase_ = Phase::kResetting;
}

void ProxyConnection::ContinueReset(int64_t now) {
  if (IsUnderWay(sink(closing_way_).fd.get()))
    wake_ = now + kLookInterval;
  else
    Reset();
}

// Both ends read the end of the stream, and nothing else: what they still write is lost, whenever it comes.
void ProxyConnection::ContinueFinish(std::span<char> scratch) {
  bool over = true;
  for (ProxyEnd& end : ends_) {
    while (end.readable) {
      const ssize_t size = ::recv(end.fd.get(), scratch.data(), scratch.size(), 0);
      if (size > 0 || (size < 0 && errno == EINTR)) continue;
      end.readable = false;
      end.reset |= size == 0 || errno != EAGAIN;
    }
    over &= end.reset;
  }
  if (over) phase_ = Phase::kOver;
}

void ProxyConnection::Reset() {
  for (ProxyEnd& end : ends_) CloseByReset(std::move(end.fd));
  phase_ = Phase::kOver;
}

}  // namespace trireme
