#ifndef TRIREME_HARNESS_FAULT_NETWORK_H_
#define TRIREME_HARNESS_FAULT_NETWORK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/fault/fault.h"
#include "harness/fault/loopback.h"
#include "harness/history/compiled_plan.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// From the end that connected to the one that listened, and back.
enum class Way { kUp = 0, kDown = 1 };
inline constexpr Way kWays[] = {Way::kUp, Way::kDown};
inline constexpr Way Other(Way way) { return way == Way::kUp ? Way::kDown : Way::kUp; }
const char* WayName(Way way);  // "up", "down"

// A fault of the network between two ends: on streams a proxy does it, on datagrams the probe.
struct NetworkFault {
  enum class Close { kNone, kFin, kRst };

  std::string name;
  uint64_t seed = 0;    // of its decisions
  uint16_t number = 0;  // in the plan, from 1

  // Which connections, and when; nanoseconds since the trial began.
  std::string connection;  // glob over a connection's id or name; "": every one
  std::optional<LoopbackAddress> to;
  bool up = true, down = true;
  int64_t after = 0;
  int64_t duration = 0;  // how long; 0: for ever

  // Of each byte: how much later it comes, and by chance up to how much more (nanoseconds); bytes never overtake each other.
  int64_t latency = 0, jitter = 0;
  int64_t bandwidth = 0;  // bytes a second in each direction; 0: no limit
  int64_t slice = 0;      // bytes that are forwarded at once; 0: what there is

  // What happens once to a direction: after so many of its bytes were forwarded, before the next one is. Without a byte, as soon
  // as the fault begins for the connection.
  std::optional<int64_t> offset;  // of the first three
  int64_t stall = 0;              // nanoseconds in which nothing is forwarded
  bool half_open = false;         // from then on nothing is, and nothing is closed
  bool half_close = false;        // the direction ends, the other goes on; what comes after is lost
  std::optional<int64_t> cut;     // of `close`
  Close close = Close::kNone;     // both ends are: in order, or by a reset

  // Of datagrams: what share of them.
  double loss = 0, duplicate = 0, reorder = 0;

  bool Hits(Way way) const { return way == Way::kUp ? up : down; }
  // Whether it hits streams, so that it needs a proxy and a route.
  bool NeedsProxy() const;
};

// What a file says below `network:`.
const FaultClass& NetworkFaultClass();
// kUsage, and begins with the fault's name, for what can never apply. Seed and number are left to who knows them; a seed that
// the fault has itself is taken.
Result<NetworkFault> ReadNetworkFault(const Fault& fault);

// Connections that can be on their way through the proxy of a trial, and those that were.
inline constexpr uint32_t kPlanPassages = 8192;

// For the table of classes: what the probe does of it, with routes that have no port yet.
Status CheckNetworkFault(const Fault& fault);
Status CompileNetworkFault(const Fault& fault, uint32_t number, uint64_t seed, CompiledPlan& plan);
// Sends the connections that `fault` means to the proxy of the harness at `port`.
void FillRoute(const NetworkFault& fault, uint16_t port, trireme_route* route);
// What the probe does with datagrams; none where the fault is only about streams.
std::vector<trireme_fault_rule> DatagramRules(const NetworkFault& fault);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_NETWORK_H_
