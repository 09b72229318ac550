// What a hop through the proxy costs, with no fault on it: echo over 64 connections against the same without it, and how much
// later answers come at 5,000 requests a second. Client and server are written by hand; each has a thread, the proxy its own.
// Where there are two cores, client and server want both, and a hop doubles what is to be done: how much of that is this proxy's
// shows an echo through a relay that could not do less. With both ends on one core the proxy has the other.
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/base/check.h"
#include "harness/base/clock.h"
#include "harness/base/unique_fd.h"
#include "harness/fault/proxy.h"
#include "tests/bench/bare_relay.h"

namespace trireme {
namespace {

constexpr int kConnections = 64;
constexpr int kMessage = 64;
constexpr int kRounds = 500;            // of all connections, an iteration
constexpr int64_t kInterval = 200'000;  // nanoseconds: 5,000 a second
constexpr int kTimedRequests = 10'000;  // an iteration

class ToOneServer : public ProxyTable {
 public:
  explicit ToOneServer(LoopbackAddress to) : to_(std::move(to)) {}
  std::optional<ProxyTarget> Take(const LoopbackAddress&) override {
    return ProxyTarget{.address = to_, .id = "1#0", .name = "client#0"};
  }
  void Enter(const ProxyTarget&, const LoopbackAddress&) override {}
  void Leave(const LoopbackAddress&) override {}

 private:
  const LoopbackAddress to_;
};

UniqueFd Listener() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const LoopbackAddress any = LoopbackAddress::Any();
  TRIREME_CHECK(::bind(fd.get(), any.get(), any.size()) == 0 && ::listen(fd.get(), 1024) == 0);
  return fd;
}

void WatchForInput(int epoll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  TRIREME_CHECK(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

// Until every connection is closed.
void ServeEcho(int listener, int count) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<UniqueFd> connections;
  for (int i = 0; i < count; ++i) {
    connections.emplace_back(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    WatchForInput(epoll.get(), connections.back().get());
  }
  std::array<epoll_event, kConnections> events;
  std::array<char, 4096> buffer;
  for (int open = count; open > 0;) {
    const int ready = ::epoll_wait(epoll.get(), events.data(), kConnections, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (size > 0 && ::send(fd, buffer.data(), static_cast<size_t>(size), MSG_NOSIGNAL) == size)
        continue;
      ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
      --open;
    }
  }
}

// The calling thread, and those that it will start.
void StayOnOneCore() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  TRIREME_CHECK(::sched_setaffinity(0, sizeof(one), &one) == 0);
}

// Where the calling thread may run, again once this ends.
class WhereItRan {
 public:
  WhereItRan() { TRIREME_CHECK(::sched_getaffinity(0, sizeof(before_), &before_) == 0); }
  ~WhereItRan() { ::sched_setaffinity(0, sizeof(before_), &before_); }
  WhereItRan(const WhereItRan&) = delete;
  WhereItRan& operator=(const WhereItRan&) = delete;

 private:
  cpu_set_t before_;
};

enum class Hop { kNone, kProxy, kBareRelay };
enum class Ends { kOneCoreEach, kOneCore };

// A server, connections to it, and what stands between them.
class Echo {
 public:
  explicit Echo(Hop hop, Ends ends = Ends::kOneCoreEach)
      : listener_(Listener()), table_(*LoopbackAddress::OfSocket(listener_.get())) {
    LoopbackAddress to = *LoopbackAddress::OfSocket(listener_.get());
    if (hop == Hop::kProxy) {
      proxy_ = *NetworkProxy::Start(&table_, 0, [](const ProxyEvent&) {}, &ports_);
      to = *LoopbackAddress::Parse("127.0.0.1:" + std::to_string(proxy_->port()));
    } else if (hop == Hop::kBareRelay) {
      relay_ = std::make_unique<BareRelay>(Listener(), kConnections, to);
      to = relay_->address();
    }
    if (ends == Ends::kOneCore) StayOnOneCore();
    server_ = std::thread([this] { ServeEcho(listener_.get(), kConnections); });
    for (int i = 0; i < kConnections; ++i) {
      UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const int on = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      TRIREME_CHECK(::connect(fd.get(), to.get(), to.size()) == 0);
      clients_.push_back(std::move(fd));
    }
  }
  ~Echo() {
    clients_.clear();
    server_.join();
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  const std::vector<UniqueFd>& clients() const { return clients_; }

 private:
  const WhereItRan restored_;
  const UniqueFd listener_;
  ToOneServer table_;
  ProxyPorts ports_;
  std::thread server_;
  std::unique_ptr<NetworkProxy> proxy_;
  std::unique_ptr<BareRelay> relay_;
  std::vector<UniqueFd> clients_;
};

void SendOne(int fd) {
  static const std::string message(kMessage, 'x');
  TRIREME_CHECK(::send(fd, message.data(), message.size(), MSG_NOSIGNAL) == kMessage);
}

void ReceiveOne(int fd) {
  std::array<char, kMessage> message;
  TRIREME_CHECK(::recv(fd, message.data(), message.size(), MSG_WAITALL) == kMessage);
}

void EchoRounds(benchmark::State& state, Hop hop, Ends ends = Ends::kOneCoreEach) {
  const Echo echo(hop, ends);
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (const UniqueFd& client : echo.clients()) WatchForInput(epoll.get(), client.get());
  std::array<epoll_event, kConnections> events;
  for (auto _ : state) {
    for (const UniqueFd& client : echo.clients()) SendOne(client.get());
    for (int received = 0; received < kRounds * kConnections;) {
      const int ready = ::epoll_wait(epoll.get(), events.data(), kConnections, -1);
      for (int i = 0; i < ready; ++i, ++received) {
        ReceiveOne(events[i].data.fd);
        if (received < (kRounds - 1) * kConnections) SendOne(events[i].data.fd);
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * kRounds * kConnections);
}

void BM_EchoDirect(benchmark::State& state) { EchoRounds(state, Hop::kNone); }
BENCHMARK(BM_EchoDirect)->UseRealTime();

void BM_EchoByProxy(benchmark::State& state) {
  EchoRounds(state, Hop::kProxy);
  state.SetLabel(
      "echo through the proxy, 64 connections, ends by hand | >= 0.5x | BM_EchoDirect/real_time");
}
BENCHMARK(BM_EchoByProxy)->UseRealTime();

void BM_EchoByBareRelay(benchmark::State& state) {
  EchoRounds(state, Hop::kBareRelay);
  state.SetLabel(
      "the same through a relay that only receives and sends | no goal | BM_EchoDirect/real_time");
}
BENCHMARK(BM_EchoByBareRelay)->UseRealTime();

void BM_EchoOfOneCoreDirect(benchmark::State& state) {
  EchoRounds(state, Hop::kNone, Ends::kOneCore);
}
BENCHMARK(BM_EchoOfOneCoreDirect)->UseRealTime();

void BM_EchoOfOneCoreByProxy(benchmark::State& state) {
  EchoRounds(state, Hop::kProxy, Ends::kOneCore);
  state.SetLabel(
      "the same through the proxy, both ends on one core | >= 0.5x | "
      "BM_EchoOfOneCoreDirect/real_time");
}
BENCHMARK(BM_EchoOfOneCoreByProxy)->UseRealTime();

// Latencies of requests that are sent at their times whatever came before, in nanoseconds.
std::vector<int64_t> Latencies(const Echo& echo) {
  std::vector<int64_t> latencies;
  int64_t due = SystemClock().Now();
  for (int i = 0; i < kTimedRequests; ++i, due += kInterval) {
    while (SystemClock().Now() < due) {
      const timespec until{.tv_sec = due / kNanosecondsPerSecond,
                           .tv_nsec = due % kNanosecondsPerSecond};
      ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    }
    const int fd = echo.clients()[static_cast<size_t>(i) % kConnections].get();
    const int64_t begin = SystemClock().Now();
    SendOne(fd);
    ReceiveOne(fd);
    latencies.push_back(SystemClock().Now() - begin);
  }
  std::sort(latencies.begin(), latencies.end());
  return latencies;
}

void BM_ProxyAddsToP99(benchmark::State& state) {
  const Echo direct(Hop::kNone);
  const Echo proxied(Hop::kProxy);
  double added50 = 0;
  double added99 = 0;
  for (auto _ : state) {
    const std::vector<int64_t> without = Latencies(direct);
    const std::vector<int64_t> with = Latencies(proxied);
    const size_t p99 = without.size() * 99 / 100;
    added50 = static_cast<double>(with[with.size() / 2] - without[without.size() / 2]) / 1000;
    added99 = static_cast<double>(with[p99] - without[p99]) / 1000;
  }
  state.counters["added_p50_us"] = added50;
  state.counters["microseconds"] = added99;
  state.SetLabel("what the proxy adds to the 99th percentile at 5,000 requests a second | <= 200 us");
}
BENCHMARK(BM_ProxyAddsToP99)->Iterations(1)->UseRealTime();

}  // namespace
}  // namespace trireme
