#ifndef TRIREME_HARNESS_HISTORY_COMPILED_PLAN_H_
#define TRIREME_HARNESS_HISTORY_COMPILED_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/probe/probe_abi.h"

namespace trireme {

// What the probe decides a trial's faults by: harness/fault makes it of a plan, CreateRecording() puts it into the file.
struct CompiledPlan {
  trireme_plan block{};  // without the places of its tables, which the file decides
  std::vector<trireme_fault_rule> rules;
  std::vector<trireme_moment> moments;
  std::vector<std::string> names;  // of its faults, the first is number 1
  uint32_t connections = 0;        // that can be followed; a power of two, or 0: none is
  uint32_t passages =
      0;  // of connections through a proxy, where there are routes; a power of two, or 0

  // Nothing to decide, so that a recording needs no block.
  bool empty() const {
    return rules.empty() && moments.empty() && connections == 0 && block.flags == 0 &&
           block.clocks == 0 && block.tasks == 0 && block.routes == 0;
  }
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_COMPILED_PLAN_H_
