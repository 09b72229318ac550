#ifndef TRIREME_HARNESS_FAULT_PROXY_H_
#define TRIREME_HARNESS_FAULT_PROXY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

#include "harness/base/mutex.h"
#include "harness/base/result.h"
#include "harness/base/unique_fd.h"
#include "harness/fault/network.h"
#include "harness/fault/proxy_event.h"
#include "harness/fault/proxy_loop.h"
#include "harness/fault/proxy_table.h"

namespace trireme {

// Passes connections on, on this machine, and does to them what faults say: one thread accepts them, and gives each in turn to
// one of two loops. To pass a message on costs as much as client and server together, which may have a processor each: by one
// loop half as much would come through where there are more. On two processors both ways are as fast.
//
// Listens on 127.0.0.1 and, where there is one, ::1, on the same port. What a connection suffers is decided by its id and the
// offsets of its bytes; time decides only when a fault begins and ends, and when late bytes come.
// Thread safety: Apply and Lift by any threads, but not by `report` or the table.
class NetworkProxy {
 public:
  // `table` and `ports` outlive the proxy; `report` is called by the proxy's threads and by who calls Apply or Lift, one at a time.
  // `begin`: when the trial began, from which the faults' times count. An error is the machine's.
  static Result<std::unique_ptr<NetworkProxy>> Start(ProxyTable* table, int64_t begin,
                                                     ProxyReport report, ProxyPorts* ports);
  // Closes every connection, by a reset.
  ~NetworkProxy();
  NetworkProxy(const NetworkProxy&) = delete;
  NetworkProxy& operator=(const NetworkProxy&) = delete;

  uint16_t port() const { return port_; }
  // From `after` for `duration` it holds, for new connections and those that there are. When this returns it does, if it
  // begins at once. Replaces one with the same number.
  void Apply(const NetworkFault& fault);
  // The fault of that number holds no more, whatever its duration.
  void Lift(uint16_t number);
  // How many connections there are.
  size_t connections();

 private:
  NetworkProxy(ProxyTable* table, ProxyReport report, ProxyPorts* ports);
  Status Listen();
  void Run();
  void Accept(int listener);
  void Refuse(int listener, int error);
  void Admit(UniqueFd client, const LoopbackAddress& from);

  ProxyTable* const table_;
  ProxyPorts* const ports_;
  Mutex report_mutex_;
  const ProxyReport report_;
  UniqueFd stop_;  // readable: the thread is to end
  std::array<UniqueFd, 2> listeners_;
  uint16_t port_ = 0;
  std::array<std::unique_ptr<ProxyLoop>, 2> loops_;

  // Of the thread.
  UniqueFd spare_;
  size_t admitted_ = 0;
  bool told_want_ = false;

  std::thread thread_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROXY_H_
