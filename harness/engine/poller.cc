#include "harness/engine/poller.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "harness/base/check.h"
#include "harness/base/clock.h"

namespace trireme {
namespace {

constexpr uint64_t kNumberShift = 24;  // descriptors are below 2^24
constexpr uint64_t kDescriptorMask = (uint64_t{1} << kNumberShift) - 1;

int MillisecondsUntil(int64_t deadline) {
  const int64_t left = deadline - SystemClock().Now();
  constexpr int64_t kLongest = 60'000;
  if (left <= 0) return 0;
  return static_cast<int>(std::min(left / kNanosecondsPerMillisecond + 1, kLongest));
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { TRIREME_CHECK(epoll_.valid()); }

void Poller::Watch(int fd, std::function<void()> ready) {
  const uint64_t number = next_number_++;
  const bool added = entries_.emplace(fd, Entry{number, std::move(ready)}).second;
  TRIREME_CHECK(added);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number << kNumberShift | static_cast<uint64_t>(fd);
  TRIREME_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Poller::Forget(int fd) {
  if (entries_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Poller::Wait(int64_t deadline) {
  std::array<epoll_event, 32> events{};
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), events.size(), MillisecondsUntil(deadline));
  for (int i = 0; i < count; ++i) {
    const uint64_t data = events[static_cast<size_t>(i)].data.u64;
    const auto entry = entries_.find(static_cast<int>(data & kDescriptorMask));
    if (entry == entries_.end() || entry->second.number != data >> kNumberShift) continue;
    const std::function<void()> ready = entry->second.ready;  // it may forget itself
    ready();
  }
}

}  // namespace trireme
