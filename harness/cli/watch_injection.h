#ifndef TRIREME_HARNESS_CLI_WATCH_INJECTION_H_
#define TRIREME_HARNESS_CLI_WATCH_INJECTION_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/base/result.h"
#include "harness/cli/watch_fault_process.h"
#include "harness/cli/watch_faults.h"
#include "harness/engine/harness_events.h"
#include "harness/engine/port_shares.h"
#include "harness/engine/trial_network.h"
#include "harness/fault/proxy.h"

namespace trireme {

// What the harness does to a watched program of its faults beside the probe: a proxy in its network, signals to its processes,
// limits of what they get. What was done is in the recording's journal. Nothing, where the plan asks for nothing of the kind.
//
//   Prepare -> CreateRecording with the plan that it completed -> Attach -> Begin, as the program starts -> End
class WatchInjection {
 public:
  // `begin`: of the recording. Completes `faults->compiled`. REQUIRES: one thread.
  static Result<std::unique_ptr<WatchInjection>> Prepare(WatchFaults* faults,
                                                         const std::string& recording,
                                                         int64_t begin);
  Status Attach(const std::string& recording);
  // Times of signals and limits count from now.
  void Begin(pid_t program);
  // A few times a second. Takes back what the process of the faults did, where somebody killed that.
  void Look();
  // Takes everything back, and knows the recording no more.
  void End();

 private:
  WatchInjection() = default;

  std::string recording_;
  FaultPlan plan_;
  pid_t program_ = 0;
  pid_t killed_ = 0;
  HarnessEvents events_;
  std::optional<PortShares> ports_;
  std::optional<ProxyPorts> proxy_ports_;
  std::optional<TrialNetwork> network_;
  std::optional<WatchFaultProcess> process_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCH_INJECTION_H_
