#include "harness/fault/contradictions.h"

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/fault/class_table.h"
#include "harness/fault/system_call.h"

namespace trireme {
namespace {

// What one fault decides of a connection's end or errors: of two at one place only one can happen.
bool IsFinal(const SystemCallFault& fault) {
  return fault.action == TRIREME_DO_RESET || fault.action == TRIREME_DO_CLOSE ||
         fault.action == TRIREME_DO_STALL || fault.action == TRIREME_DO_ERROR;
}

bool OverlapInTime(const SystemCallFault& a, const SystemCallFault& b) {
  return (a.until == 0 || b.after < a.until) && (b.until == 0 || a.after < b.until);
}

// At one place for certain, where connection, kind and place are equal: where chance decides, or a limit, they need
// not meet.
bool AreAtOnePlace(const SystemCallFault& a, const SystemCallFault& b) {
  return (a.calls & b.calls) != 0 && (a.sides & b.sides) != 0 && a.when != TRIREME_WHEN_CHANCE &&
         a.times == b.times && a.total == b.total && OverlapInTime(a, b);
}

bool DoTheSame(const SystemCallFault& a, const SystemCallFault& b) {
  return a.action == b.action && a.amount == b.amount && a.error == b.error;
}

}  // namespace

Status CheckContradictions(const FaultPlan& plan) {
  // By what has to be equal, for a plan that was made of a log is long.
  using Before = std::vector<std::pair<const Fault*, SystemCallFault>>;
  std::map<std::tuple<std::string, int, uint64_t>, Before> all;
  for (const Fault& fault : plan.faults) {
    if (fault.key != "do") continue;
    TRIREME_ASSIGN_OR_RETURN(const SystemCallFault what, ReadSystemCallFault(fault));
    if (!IsFinal(what) || what.every_point) continue;  // of sweeps each trial has one point
    Before& before = all[{what.connection, what.when, what.place}];
    for (const auto& [other, that] : before)
      if (!DoTheSame(what, that) && AreAtOnePlace(what, that))
        return FaultError(fault,
                          "it contradicts fault '" + other->name +
                              "': both hit the same place of the same connections",
                          "move one of them, or make two plans");
    before.emplace_back(&fault, what);
  }
  return Done{};
}

}  // namespace trireme
