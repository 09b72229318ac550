#include "tests/bench/bare_relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <utility>
#include <vector>

#include "harness/base/check.h"

namespace trireme {
namespace {

struct End {
  UniqueFd fd;
  End* other = nullptr;
};

void SendAtOnce(int fd) {
  const int on = 1;
  TRIREME_CHECK(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
}

// Whether there was something.
bool Relay(const End& from, char* buffer, size_t size) {
  const ssize_t read = ::recv(from.fd.get(), buffer, size, 0);
  if (read <= 0) return false;
  const auto whole = static_cast<size_t>(read);
  return ::send(from.other->fd.get(), buffer, whole, MSG_NOSIGNAL) == read;
}

}  // namespace

BareRelay::BareRelay(UniqueFd listener, int count, const LoopbackAddress& to)
    : listener_(std::move(listener)), to_(to), thread_([this, count] { Run(count); }) {}

BareRelay::~BareRelay() { thread_.join(); }

void BareRelay::Run(int count) const {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<End> ends(static_cast<size_t>(count) * 2);
  for (size_t i = 0; i < ends.size(); ++i) {
    const bool client = i % 2 == 0;
    ends[i].fd.Reset(client ? ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)
                            : ::socket(to_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!client) TRIREME_CHECK(::connect(ends[i].fd.get(), to_.get(), to_.size()) == 0);
    ends[i].other = &ends[i ^ 1];
    SendAtOnce(ends[i].fd.get());
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &ends[i]}};
    TRIREME_CHECK(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, ends[i].fd.get(), &event) == 0);
  }
  std::array<epoll_event, 256> events;
  std::array<char, 4096> buffer;
  for (int open = count; open > 0;) {
    const int ready = ::epoll_wait(epoll.get(), events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      End& end = *static_cast<End*>(events[i].data.ptr);
      if (!end.fd.valid() || Relay(end, buffer.data(), buffer.size())) continue;
      end.other->fd.Reset();
      end.fd.Reset();
      --open;
    }
  }
}

}  // namespace trireme
