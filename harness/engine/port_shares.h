#ifndef TRIREME_HARNESS_ENGINE_PORT_SHARES_H_
#define TRIREME_HARNESS_ENGINE_PORT_SHARES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/unique_fd.h"
#include "harness/history/writer.h"

namespace trireme {

// One after the other, both included; none where `last` is below `first`.
struct PortInterval {
  int first = 0;
  int last = -1;

  int count() const { return last - first + 1; }
  bool operator==(const PortInterval&) const = default;
};

// What the kernel gives to those for whom any port will do.
struct KernelPorts {
  PortInterval range;                  // of this network namespace
  std::vector<PortInterval> reserved;  // which it gives to nobody, in order

  // As /proc/sys/net/ipv4/ip_local_port_range and ip_local_reserved_ports have them.
  static std::optional<KernelPorts> Parse(const std::string& range, const std::string& reserved);
  static std::optional<KernelPorts> Read();
};

// Of two halves the one that the kernel gives clients, without what is left to proxies: each second from the first on. Clients
// of all trials and watched programs have them.
PortRange PortsOfClients(const std::optional<KernelPorts>& ports);

// Of the kernel's ports, what each of the trials that run at once is given, and what their proxies are: no client of one meets
// the server of another, or a proxy, at a port that was given out again. As the kernel does, servers get one half of them and
// clients the other. Runs on one machine divide the ports among them; each takes a third of what is left, or as many as its
// trials need at least.
//
// What a run has taken are abstract names of Unix sockets: of the network namespace, as the ports are, for every user, and free
// again when the run is, however it ends.
class PortShares {
 public:
  // For `slots` trials at once. `ports`: none, and the kernel chooses for all.
  PortShares(const std::optional<KernelPorts>& ports, size_t slots);

  // From an odd or even one on each second: of the trial's servers. None where there are too few.
  PortRange OfTrial(size_t slot) const;
  // The same, of the clients of all.
  PortRange OfClients() const { return clients_; }
  // The same, of the run's proxies, of which each second from the first on is to listen at, and the others to connect from.
  PortRange OfProxies() const { return proxies_; }
  // Other runs have them all.
  bool none_left() const { return none_left_; }

 private:
  std::vector<size_t> Take(const KernelPorts& ports, size_t slices, size_t fewest);

  std::vector<UniqueFd> taken_;
  std::vector<PortRange> trials_;
  PortRange clients_, proxies_;
  bool none_left_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_PORT_SHARES_H_
