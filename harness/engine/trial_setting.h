#ifndef TRIREME_HARNESS_ENGINE_TRIAL_SETTING_H_
#define TRIREME_HARNESS_ENGINE_TRIAL_SETTING_H_

#include <cstdint>
#include <string>

#include "harness/base/rng.h"
#include "harness/engine/engine.h"
#include "harness/engine/schedule.h"
#include "harness/history/compiled_plan.h"
#include "harness/history/writer.h"
#include "harness/scenario/plan.h"

namespace trireme {

// What distinguishes one attempt at a trial from all others.
struct TrialSetting {
  Attempt attempt;
  std::string name;       // unique: the attempt's text, a UUID
  std::string directory;  // absolute
  uint64_t seed = 0;
  uint64_t inputs = 0;
  int64_t memory = 0;         // limit of what is resident
  int64_t address_space = 0;  // RLIMIT_AS, with room for stacks; 0: none
  bool record = true;
  ExtraRecording watch;
  CompiledPlan faults;
  PortRange ports = {};    // while it runs, its own
  PortRange clients = {};  // of its clients that are followed
};

// `names` is where unique names come from. REQUIRES: fault plans that CompilePlan() takes.
TrialSetting SettingFor(const Attempt& attempt, const Plan& plan, const EngineOptions& options,
                        Rng& names);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_TRIAL_SETTING_H_
