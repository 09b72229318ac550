#ifndef TRIREME_HARNESS_ENGINE_POLLER_H_
#define TRIREME_HARNESS_ENGINE_POLLER_H_

#include <cstdint>
#include <functional>
#include <map>

#include "harness/base/unique_fd.h"

namespace trireme {

// The descriptors that one thread waits for, each with what to do once it is readable or its other
// end is gone.
class Poller {
 public:
  Poller();

  // REQUIRES: `fd` is not watched. It stays open until Forget().
  void Watch(int fd, std::function<void()> ready);
  // Before the descriptor is closed. Its callback is not called any more, even if it was about to
  // be.
  void Forget(int fd);
  // Waits at most until `deadline` (CLOCK_MONOTONIC) and calls what is ready; callbacks may watch
  // and forget.
  void Wait(int64_t deadline);

 private:
  struct Entry {
    uint64_t number = 0;  // tells a descriptor from an earlier one of the same value
    std::function<void()> ready;
  };

  UniqueFd epoll_;
  std::map<int, Entry> entries_;
  uint64_t next_number_ = 1;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_POLLER_H_
