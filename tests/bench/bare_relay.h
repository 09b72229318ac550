#ifndef TRIREME_TESTS_BENCH_BARE_RELAY_H_
#define TRIREME_TESTS_BENCH_BARE_RELAY_H_

#include <thread>

#include "harness/base/unique_fd.h"
#include "harness/fault/loopback.h"

namespace trireme {

// The least that can stand between a client and a server: one thread that receives what is there
// and sends it on, with no fault, no record, no back-pressure and no half-closed connection. What
// a machine leaves of an echo through this is what the proxy can be measured against.
class BareRelay {
 public:
  // Takes `count` connections of `listener`, leads each on to `to`, and ends once every one is closed.
  BareRelay(UniqueFd listener, int count, const LoopbackAddress& to);
  ~BareRelay();
  BareRelay(const BareRelay&) = delete;
  BareRelay& operator=(const BareRelay&) = delete;

  LoopbackAddress address() const { return *LoopbackAddress::OfSocket(listener_.get()); }

 private:
  void Run(int count) const;

  const UniqueFd listener_;
  const LoopbackAddress to_;
  std::thread thread_;
};

}  // namespace trireme

#endif  // TRIREME_TESTS_BENCH_BARE_RELAY_H_
