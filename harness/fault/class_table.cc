#include "harness/fault/class_table.h"

#include <array>

#include "harness/fault/network.h"
#include "harness/fault/process.h"
#include "harness/fault/resource.h"
#include "harness/fault/system_call.h"
#include "harness/fault/task.h"
#include "harness/fault/time.h"

namespace trireme {
namespace {

constexpr std::array kClasses = {
    FaultClassEntry{&SystemCallFaultClass, &CheckSystemCallFault, &CompileSystemCallFault,
                    &WhySystemCallFaultIsNotWatched},
    FaultClassEntry{&NetworkFaultClass, &CheckNetworkFault, &CompileNetworkFault},
    FaultClassEntry{&ProcessFaultClass, &CheckProcessFault, &CompileProcessFault,
                    &WhyProcessFaultIsNotWatched},
    FaultClassEntry{&ResourceFaultClass, &CheckResourceFault, nullptr,
                    &WhyResourceFaultIsNotWatched},
    FaultClassEntry{&TimeFaultClass, &CheckTimeFault, &CompileTimeFault},
    FaultClassEntry{&TaskFaultClass, &CheckTaskFault, &CompileTaskFault, &WhyTaskFaultIsNotWatched},
};

}  // namespace

std::span<const FaultClassEntry> FaultClassTable() { return kClasses; }

const FaultClassEntry* FindFaultClass(const std::string& key) {
  for (const FaultClassEntry& entry : kClasses)
    if (entry.describe().key == key) return &entry;
  return nullptr;
}

Diagnostic FaultError(const Fault& fault, const std::string& message, const std::string& hint) {
  Diagnostic error = UsageError(fault.name + ": " + message, hint);
  error.key = fault.key;
  return error;
}

Diagnostic FaultKeyError(const Fault& fault, const std::string& key, const std::string& message,
                         const std::string& hint) {
  Diagnostic error = FaultError(fault, message, hint);
  const bool of_place = key == "at" || key.starts_with("at.");
  if (!key.empty()) error.key = of_place ? key : fault.key + "." + key;
  return error;
}

Status CheckSweepWord(const Fault& fault, const std::string& word) {
  constexpr const char* kEveryPoint = "every-point";
  if (word == kEveryPoint) return Done{};
  return FaultKeyError(fault, fault.key == SystemCallFaultClass().key ? "at.sweep" : "sweep",
                       "there is no sweep \"" + word + "\"",
                       std::string("say `sweep: ") + kEveryPoint + "`");
}

}  // namespace trireme
