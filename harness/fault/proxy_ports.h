#ifndef TRIREME_HARNESS_FAULT_PROXY_PORTS_H_
#define TRIREME_HARNESS_FAULT_PROXY_PORTS_H_

#include <atomic>
#include <cstdint>

#include "harness/fault/loopback.h"
#include "harness/history/writer.h"

namespace trireme {

// The ports of a run's proxies: no trial has one of its servers at them, to which a proxy would answer once it has ended, and no
// client of one gets them. Thread safety: any threads.
class ProxyPorts {
 public:
  // Of `ports` proxies listen at each second from the first on, and connect from those between them. None: the kernel chooses.
  explicit ProxyPorts(PortRange ports = {}) : ports_(ports) {}

  // Binds the socket to `host`, which has no port, at one of them, or where these are taken at another. 0, or an errno.
  int BindListener(int fd, const LoopbackAddress& host);
  int BindClient(int fd, const LoopbackAddress& host);

 private:
  static int Bind(int fd, const LoopbackAddress& host, PortRange ports,
                  std::atomic<uint32_t>* tried);

  const PortRange ports_;
  std::atomic<uint32_t> listeners_ = 0, clients_ = 0;  // how many were tried
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROXY_PORTS_H_
