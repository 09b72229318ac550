#include "harness/fault/proxy_loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "harness/base/check.h"
#include "harness/base/clock.h"

namespace trireme {
namespace {

// What epoll tells: who wakes the loop, else 2 * the connection's number + its end.
constexpr uint64_t kWakeKey = 0;
constexpr int kEventsOfTurn = 256;
constexpr size_t kScratch = size_t{64} << 10;

timespec TimeUntil(int64_t next, int64_t now) {
  const int64_t left = std::max<int64_t>(next - now, 0);
  return {.tv_sec = left / kNanosecondsPerSecond, .tv_nsec = left % kNanosecondsPerSecond};
}

}  // namespace

std::thread StartProxyThread(const std::function<void()>& run) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([run] {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    ::prctl(PR_SET_NAME, "trireme-proxy");
    run();
  });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

ProxyLoop::ProxyLoop(ProxyTable* table, int64_t begin, ProxyReport report)
    : table_(table), begin_(begin), report_(std::move(report)), scratch_(kScratch) {}

Result<std::unique_ptr<ProxyLoop>> ProxyLoop::Start(ProxyTable* table, int64_t begin,
                                                    ProxyReport report) {
  std::unique_ptr<ProxyLoop> loop(new ProxyLoop(table, begin, std::move(report)));
  loop->epoll_.Reset(::epoll_create1(EPOLL_CLOEXEC));
  loop->wake_.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!loop->epoll_.valid() || !loop->wake_.valid())
    return ErrnoError("cannot make the proxy's descriptors", errno);
  TRIREME_RETURN_IF_ERROR(loop->Watch(loop->wake_.get(), kWakeKey, EPOLLIN));
  loop->thread_ = StartProxyThread([raw = loop.get()] { raw->Run(); });
  return loop;
}

ProxyLoop::~ProxyLoop() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  Wake();
  if (thread_.joinable()) thread_.join();
  const MutexLock lock(mutex_);
  while (!connections_.empty()) {
    connections_.begin()->second->Reset();
    Remove(connections_.begin()->first);
  }
}

Status ProxyLoop::Watch(int fd, uint64_t key, uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = key}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return ErrnoError("the proxy cannot watch a socket", errno);
  return Done{};
}

void ProxyLoop::Wake() const {
  const uint64_t one = 1;
  TRIREME_CHECK(::write(wake_.get(), &one, sizeof(one)) == sizeof(one));
}

void ProxyLoop::Run() {
  std::array<epoll_event, kEventsOfTurn> events{};
  int64_t next = ProxyPipe::kNoWake;
  for (;;) {
    const timespec timeout = TimeUntil(next, SystemClock().Now());
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), kEventsOfTurn,
                                     next == ProxyPipe::kNoWake ? nullptr : &timeout, nullptr);
    TRIREME_CHECK(count >= 0 || errno == EINTR);
    const MutexLock lock(mutex_);
    if (ending_) return;
    Turn(events.data(), count);
    next = NextTime();
  }
}

void ProxyLoop::Turn(const epoll_event* events, int count) {
  const int64_t now = SystemClock().Now();
  Refresh(now);
  // Everything is read before anything is written, which wakes a peer once, who else sleeps after each message. By echo over 64
  // connections: 5 % less processor time, a quarter fewer switches. To write one direction first gained nothing.
  for (int i = 0; i < count; ++i)
    if (ProxyConnection* connection = Find(events[i].data.u64); connection != nullptr)
      connection->Read(static_cast<int>(events[i].data.u64 % 2), events[i].events, now, scratch_);
  for (int i = 0; i < count; ++i) {
    const uint64_t key = events[i].data.u64;
    if (key == kWakeKey) {
      uint64_t wakes = 0;
      (void)!::read(wake_.get(), &wakes, sizeof(wakes));
    } else if (Find(key) != nullptr) {
      Pump(key / 2);
    }
  }
  PumpDue(SystemClock().Now());
}

ProxyConnection* ProxyLoop::Find(uint64_t key) {
  const auto found = connections_.find(key / 2);
  return found == connections_.end() ? nullptr : found->second.get();
}

int64_t ProxyLoop::NextTime() {
  if (!again_.empty()) return 0;
  const int64_t due = waiting_.empty() ? ProxyPipe::kNoWake : waiting_.begin()->first;
  return std::min(due, next_change_);
}

void ProxyLoop::PumpDue(int64_t now) {
  for (const uint64_t number : std::exchange(again_, {})) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) continue;
    found->second->listed_again = false;
    Pump(number);
  }
  while (!waiting_.empty() && waiting_.begin()->first <= now) Pump(waiting_.begin()->second);
}

void ProxyLoop::Pump(uint64_t number) {
  ProxyConnection& connection = *connections_.at(number);
  const int64_t now = SystemClock().Now();
  const bool alive = connection.Pump(
      now, scratch_, [&](const NetworkFault& fault, Way way, uint64_t offset, Json what) {
        ReportFault(connection, fault, way, offset, std::move(what));
      });
  if (!alive) {
    if (connection.error() != 0)
      report_(UnservedEvent(connection.target().id,
                            "the proxy cannot connect to " + connection.target().address.ToString(),
                            connection.error()));
    return Remove(number);
  }
  if (connection.listed_wake != connection.wake()) {
    waiting_.erase({connection.listed_wake, number});
    connection.listed_wake = connection.wake();
    if (connection.listed_wake != ProxyPipe::kNoWake)
      waiting_.insert({connection.listed_wake, number});
  }
  if (connection.again()) PumpSoon(number, &connection);
}

void ProxyLoop::PumpSoon(uint64_t number, ProxyConnection* connection) {
  if (std::exchange(connection->listed_again, true)) return;
  again_.push_back(number);
}

void ProxyLoop::Remove(uint64_t number) {
  const auto found = connections_.find(number);
  waiting_.erase({found->second->listed_wake, number});
  if (found->second->onward) table_->Leave(*found->second->onward);
  connections_.erase(found);
}

void ProxyLoop::Add(std::unique_ptr<ProxyConnection> connection) {
  const MutexLock lock(mutex_);
  Refresh(SystemClock().Now());
  const uint64_t number = next_number_++;
  connection->SetFaults(holding_, [](const NetworkFault&, Way, uint64_t, const Json&) {});
  connection->Connect();
  for (int end = 0; end < 2 && connection->fd(end) >= 0; ++end) {
    const Status watched = Watch(connection->fd(end), number * 2 + static_cast<uint64_t>(end),
                                 EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    if (watched.ok()) continue;
    report_(UnservedEvent(connection->target().id, watched.error().message, 0));
    connection->Reset();
  }
  connections_.emplace(number, std::move(connection));
  Pump(number);
}

void ProxyLoop::Apply(const NetworkFault& fault) {
  {
    const MutexLock lock(mutex_);
    kept_.push_back(std::make_unique<const NetworkFault>(fault));
    const int64_t from = begin_ + fault.after;
    faults_[fault.number] = {
        .fault = kept_.back().get(),
        .from = from,
        .until = fault.duration > 0 ? from + fault.duration : ProxyPipe::kNoWake};
    Refresh(SystemClock().Now());
  }
  Wake();
}

void ProxyLoop::Lift(uint16_t number) {
  {
    const MutexLock lock(mutex_);
    faults_.erase(number);
    Refresh(SystemClock().Now());
  }
  Wake();
}

size_t ProxyLoop::connections() {
  const MutexLock lock(mutex_);
  return connections_.size();
}

void ProxyLoop::Refresh(int64_t now) {
  std::vector<const NetworkFault*> holding;
  next_change_ = ProxyPipe::kNoWake;
  for (const auto& [number, timed] : faults_) {
    if (now >= timed.from && now < timed.until) holding.push_back(timed.fault);
    if (now < timed.from)
      next_change_ = std::min(next_change_, timed.from);
    else if (now < timed.until)
      next_change_ = std::min(next_change_, timed.until);
  }
  if (holding == holding_) return;
  holding_ = std::move(holding);
  for (const auto& [number, connection] : connections_) {
    connection->SetFaults(holding_, [&raw = *connection, this](const NetworkFault& fault, Way way,
                                                               uint64_t offset, Json what) {
      ReportFault(raw, fault, way, offset, std::move(what));
    });
    PumpSoon(number, connection.get());
  }
}

void ProxyLoop::ReportFault(const ProxyConnection& connection, const NetworkFault& fault,
                            Way way, uint64_t offset, Json what) {
  const std::string& id = connection.target().id;
  report_({.time = SystemClock().Now(),
           .fault = fault.number,
           .name = fault.name,
           .connection = id,
           .value = {{"do", std::move(what)},
                     {"connection", id},
                     {"direction", WayName(way)},
                     {"offset", offset}}});
}

}  // namespace trireme
