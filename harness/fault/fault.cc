#include "harness/fault/fault.h"

namespace trireme {

Json FaultPlan::ToJson() const {
  Json all = Json::array();
  for (const Fault& fault : faults) {
    Json json = {{"name", fault.name}, {fault.key, fault.members}};
    if (fault.seed) json["seed"] = FormatHex(*fault.seed);
    if (!fault.at.empty()) json["at"] = fault.at;
    all.push_back(std::move(json));
  }
  return {{"name", name}, {"summary", summary}, {"all", std::move(all)}};
}

}  // namespace trireme
