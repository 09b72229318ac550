#ifndef TRIREME_HARNESS_FAULT_PROXY_TABLE_H_
#define TRIREME_HARNESS_FAULT_PROXY_TABLE_H_

#include <optional>

#include "harness/fault/loopback.h"
#include "harness/fault/proxy_connection.h"

namespace trireme {

// Knows where the connections go that come to a proxy. Called by several of the proxy's threads at once.
class ProxyTable {
 public:
  virtual ~ProxyTable() = default;
  // Of the connection that comes from there; nothing when it is none of the trial's.
  virtual std::optional<ProxyTarget> Take(const LoopbackAddress& client) = 0;
  // The proxy will connect on from there, and does so no longer.
  virtual void Enter(const ProxyTarget& target, const LoopbackAddress& onward) = 0;
  virtual void Leave(const LoopbackAddress& onward) = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROXY_TABLE_H_
