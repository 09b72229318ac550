#include "harness/engine/port_shares.h"

#include <sstream>

#include "harness/base/file.h"

namespace trireme {
namespace {

constexpr size_t kFewest = 32;  // with fewer, they are taken too often

PortRange PortsOfKernel() {
  const Result<std::string> text = ReadFile("/proc/sys/net/ipv4/ip_local_port_range", 4096);
  if (!text.ok()) return {};
  std::istringstream words(*text);
  long first = 0, last = 0;
  if (!(words >> first >> last) || first <= 0 || last < first || last > 65535) return {};
  return {static_cast<uint16_t>(first), static_cast<uint16_t>(last - first + 1)};
}

}  // namespace

PortRange ShareOfPorts(size_t slot, size_t slots) {
  const PortRange all = PortsOfKernel();
  const size_t share = all.count / slots / 2 * 2;
  if (share < kFewest) return {};
  // The kernel gives servers the second of each two, and clients the first.
  return {static_cast<uint16_t>(all.first + slot * share + 1), static_cast<uint16_t>(share)};
}

}  // namespace trireme
