#ifndef TRIREME_HARNESS_ENGINE_TRIAL_NETWORK_H_
#define TRIREME_HARNESS_ENGINE_TRIAL_NETWORK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/mutex.h"
#include "harness/base/result.h"
#include "harness/fault/fault.h"
#include "harness/fault/network.h"
#include "harness/fault/passage_table.h"
#include "harness/fault/proxy.h"
#include "harness/history/compiled_plan.h"
#include "harness/history/writer.h"

namespace trireme {

// The proxy of one trial, where its plan has faults of the network that need one; else nothing.
//
//   Start -> CreateRecording with the plan that it completed -> Attach -> the trial runs -> Stop
class TrialNetwork {
 public:
  // Starts the proxy, and tells the plan its port. `begin`: of the trial. `ports` outlive this. An error is the machine's. REQUIRES: a plan that
  // CheckFaultPlan() takes.
  Status Start(const FaultPlan& plan, uint64_t trial_seed, int64_t begin, ProxyPorts* ports,
               CompiledPlan* compiled);
  // Before the trial has a process: from now on the faults hold, at their times.
  Status Attach(const std::string& recording);
  // Closes every connection, and gives the events of what was done: FAULT, and WARNING for what could not be served.
  std::vector<NewEvent> Stop(uint32_t process);

 private:
  // The proxy's threads add to it.
  class Log {
   public:
    void Add(ProxyEvent event);
    std::vector<ProxyEvent> Take();

   private:
    Mutex mutex_;
    std::vector<ProxyEvent> events_ TRIREME_GUARDED_BY(mutex_);
  };

  std::vector<NetworkFault> faults_;
  Log log_;
  PassageTable table_;
  std::unique_ptr<NetworkProxy> proxy_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_TRIAL_NETWORK_H_
