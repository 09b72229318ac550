#include "harness/engine/trial_network.h"

#include <utility>

#include "harness/base/check.h"
#include "harness/fault/compile.h"

namespace trireme {
namespace {

constexpr const char* kNetworkWarning = "network";

std::vector<NetworkFault> FaultsOfStreams(const FaultPlan& plan, uint64_t trial_seed) {
  std::vector<NetworkFault> faults;
  for (size_t i = 0; i < plan.faults.size(); ++i) {
    const Fault& fault = plan.faults[i];
    if (fault.key != NetworkFaultClass().key) continue;
    Result<NetworkFault> network = ReadNetworkFault(fault);
    TRIREME_CHECK(network.ok());
    network->number = static_cast<uint16_t>(i + 1);
    network->seed = FaultSeed(fault, trial_seed);
    if (network->NeedsProxy()) faults.push_back(*std::move(network));
  }
  return faults;
}

NewEvent EventOf(ProxyEvent event) {
  if (event.fault == 0)
    return {.kind = EventKind::kWarning,
            .time = event.time,
            .key = kNetworkWarning,
            .value = GetString(event.value, "error")};
  return {.kind = EventKind::kFault,
          .time = event.time,
          .key = std::move(event.name),
          .value = std::move(event.value),
          .id = event.fault};
}

}  // namespace

Status TrialNetwork::Start(const FaultPlan& plan, uint64_t trial_seed, int64_t begin,
                           ProxyPorts* ports, CompiledPlan* compiled) {
  faults_ = FaultsOfStreams(plan, trial_seed);
  if (faults_.empty()) return Done{};
  const auto add = [this](ProxyEvent event) { events_->Add(EventOf(std::move(event))); };
  TRIREME_ASSIGN_OR_RETURN(proxy_, NetworkProxy::Start(&table_, begin, add, ports));
  for (uint32_t i = 0; i < compiled->block.routes; ++i)
    compiled->block.route[i].port = proxy_->port();
  return Done{};
}

Status TrialNetwork::Attach(const std::string& recording) {
  if (!proxy_) return Done{};
  TRIREME_RETURN_IF_ERROR(table_.Open(recording));
  for (const NetworkFault& fault : faults_) proxy_->Apply(fault);
  return Done{};
}

}  // namespace trireme
