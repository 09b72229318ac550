#include "harness/cli/watch_injection.h"

#include <algorithm>
#include <utility>

#include "harness/base/clock.h"
#include "harness/cli/watch_take_back.h"
#include "harness/engine/thread_group.h"
#include "harness/fault/network.h"
#include "harness/fault/process.h"
#include "harness/fault/resource.h"

namespace trireme {
namespace {

bool HasClass(const FaultPlan& plan, const FaultClass& wanted) {
  return std::any_of(plan.faults.begin(), plan.faults.end(),
                     [&](const Fault& fault) { return fault.key == wanted.key; });
}

}  // namespace

Result<std::unique_ptr<WatchInjection>> WatchInjection::Prepare(WatchFaults* faults,
                                                                const std::string& recording,
                                                                int64_t begin) {
  std::unique_ptr<WatchInjection> injection(new WatchInjection);
  const FaultPlan& plan = faults->parsed;
  const bool signals = HasClass(plan, ProcessFaultClass()) || HasClass(plan, ResourceFaultClass());
  const bool network = HasClass(plan, NetworkFaultClass());
  if (!signals && !network) return injection;
  injection->recording_ = recording;
  injection->plan_ = plan;
  TRIREME_RETURN_IF_ERROR(injection->events_.Open(recording));
  if (signals) {
    TRIREME_ASSIGN_OR_RETURN(
        WatchFaultProcess process, WatchFaultProcess::Start(plan, recording, &injection->events_));
    injection->process_.emplace(std::move(process));
  }
  if (!network) return injection;
  injection->ports_.emplace(KernelPorts::Read(), 1);
  injection->proxy_ports_.emplace(injection->ports_->OfProxies());
  injection->network_.emplace(&injection->events_);
  TRIREME_RETURN_IF_ERROR(injection->network_->Start(
      plan, faults->seed, begin, &*injection->proxy_ports_, &faults->compiled));
  return injection;
}

Status WatchInjection::Attach(const std::string& recording) {
  if (!network_) return Done{};
  return network_->Attach(recording);
}

void WatchInjection::Begin(pid_t program) {
  program_ = program;
  events_.SetProcess(program);
  if (process_) process_->Begin(program, SystemClock().Now());
}

void WatchInjection::Look() {
  const pid_t killed = process_ ? process_->Killed() : 0;
  if (killed == 0) return;
  killed_ = killed;
  for (NewEvent& event :
       TakeBack({.process = killed, .program = program_, .plan = plan_, .recording = recording_}))
    events_.Add(std::move(event));
  events_.Add({.kind = EventKind::kWarning,
               .time = SystemClock().Now(),
               .key = "faults",
               .value = "the process that does faults was killed: what it did is taken back, and "
                        "no more of it comes"});
}

void WatchInjection::End() {
  Look();
  if (killed_ != 0) RemoveThreadGroups(killed_);
  if (network_) network_->StopAndLetGo();
  network_.reset();
  if (process_) process_->End();
}

}  // namespace trireme
