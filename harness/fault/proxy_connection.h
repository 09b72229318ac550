#ifndef TRIREME_HARNESS_FAULT_PROXY_CONNECTION_H_
#define TRIREME_HARNESS_FAULT_PROXY_CONNECTION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/fault/proxy_pipe.h"
#include "harness/fault/proxy_ports.h"

namespace trireme {

// Where a connection that comes to the proxy goes, and which one of the trial it is.
struct ProxyTarget {
  LoopbackAddress address;
  std::string id, name;
  // Of whoever keeps the table of connections: which one it is.
  uint32_t place = 0;
  uint64_t number = 0;
};

// The kernel sends RST instead of FIN.
void CloseByReset(UniqueFd fd);

// A connection that passes through the proxy: two ends, and a pipe for each direction.
//
// Ends are passed on as they come: the end of one direction, a reset, and a server that is not there any more (by a
// reset: the client is connected already; where none listens at all, the probe lets it connect there, and be refused).
class ProxyConnection {
 public:
  ProxyConnection(ProxyTarget target, UniqueFd client);

  // Gives the onward socket its own address, which Onward() tells: where the server will see it come from. 0, or an errno.
  int Bind(ProxyPorts* ports);
  std::optional<LoopbackAddress> Onward() const;
  // Begins to connect to the target. REQUIRES: Bind() was 0. Then its descriptors are to be watched.
  void Connect();

  void SetFaults(const std::vector<const NetworkFault*>& faults, const PipeReport& report);
  bool IsHitBy(const NetworkFault& fault) const;
  // What epoll told of an end: 0 client, 1 server. What came there is read, and written by the next Pump().
  void Read(int end, uint32_t events, int64_t now, std::span<char> scratch);
  // Moves what can be moved. False when it is over and may be destroyed.
  bool Pump(int64_t now, std::span<char> scratch, const PipeReport& report);
  // When to pump at the latest; and whether at once.
  int64_t wake() const { return wake_; }
  bool again() const { return again_; }

  const ProxyTarget& target() const { return target_; }
  int fd(int end) const { return ends_[end].fd.get(); }
  // errno of the connect that failed; 0: none did.
  int error() const { return error_; }
  // Both ends are closed by a reset; for one that cannot be served.
  void Reset();

  // Of whoever owns it: where the server sees it come from, and in which lists it waits.
  std::optional<LoopbackAddress> onward;
  int64_t listed_wake = ProxyPipe::kNoWake;
  bool listed_again = false;

 private:
  enum class Phase { kConnecting, kOpen, kResetting, kFinishing, kOver };

  ProxyEnd& source(Way way) { return ends_[static_cast<int>(way)]; }
  ProxyEnd& sink(Way way) { return ends_[1 - static_cast<int>(way)]; }
  ProxyPipe& pipe(Way way) { return pipes_[static_cast<int>(way)]; }
  void OnEvents(int end, uint32_t events);
  void FinishConnect(uint32_t events);
  void PumpWay(Way way, int64_t now, std::span<char> scratch, const PipeReport& report);
  void OnOutcome(Way way, ProxyPipe::Outcome outcome);
  void OnSinkGone(Way way);
  void BeginClose(Way way);
  void BeginReset(Way way);
  void ContinueReset(int64_t now);
  void ContinueFinish(std::span<char> scratch);

  const ProxyTarget target_;
  ProxyEnd ends_[2];
  ProxyPipe pipes_[2];
  Phase phase_ = Phase::kConnecting;
  Way closing_way_ = Way::kUp;
  int64_t wake_ = ProxyPipe::kNoWake;
  bool again_ = false;
  bool connect_again_ = false;
  int error_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROXY_CONNECTION_H_
