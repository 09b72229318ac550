#ifndef TRIREME_HARNESS_ENGINE_TRIAL_NETWORK_H_
#define TRIREME_HARNESS_ENGINE_TRIAL_NETWORK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/engine/harness_events.h"
#include "harness/fault/fault.h"
#include "harness/fault/network.h"
#include "harness/fault/passage_table.h"
#include "harness/fault/proxy.h"
#include "harness/history/compiled_plan.h"

namespace trireme {

// The proxy of one trial, where its plan has faults of the network that need one; else nothing.
//
//   Start -> CreateRecording with the plan that it completed -> Attach -> the trial runs -> Stop
class TrialNetwork {
 public:
  // `events` outlives this; what is done is added to it by the proxy's threads: FAULT, and WARNING for what could not be
  // served.
  explicit TrialNetwork(HarnessEvents* events) : events_(events) {}
  // Starts the proxy, and tells the plan its port. `begin`: of the trial. `ports` outlive this. An error is the machine's.
  // REQUIRES: a plan that CheckFaultPlan() takes.
  Status Start(const FaultPlan& plan, uint64_t trial_seed, int64_t begin, ProxyPorts* ports,
               CompiledPlan* compiled);
  // Before the trial has a process: from now on the faults hold, at their times.
  Status Attach(const std::string& recording);
  // Closes every connection.
  void Stop() { proxy_.reset(); }
  // The same, of a program that may go on: what it connects from then on goes straight.
  void StopAndLetGo() {
    table_.CloseRoutes();
    Stop();
  }

 private:
  std::vector<NetworkFault> faults_;
  HarnessEvents* const events_;
  PassageTable table_;
  std::unique_ptr<NetworkProxy> proxy_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_TRIAL_NETWORK_H_
