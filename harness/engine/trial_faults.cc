#include "harness/engine/trial_faults.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "harness/engine/limit_fault.h"
#include "harness/engine/signal_fault.h"
#include "harness/fault/network.h"
#include "harness/fault/process.h"
#include "harness/fault/resource.h"

namespace trireme {
namespace {

// As shells and runtimes say that a signal ended them, which they had caught.
constexpr int kSignalledCode = 128;

// The signal that a wait status tells of, or 0.
int SignalIn(int status) {
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  return WIFEXITED(status) && WEXITSTATUS(status) > kSignalledCode
             ? WEXITSTATUS(status) - kSignalledCode
             : 0;
}

bool LimitsDisk(const FaultPlan& plan) {
  const std::string& key = ResourceFaultClass().key;
  return std::any_of(plan.faults.begin(), plan.faults.end(), [&](const Fault& fault) {
    return fault.key == key && fault.members.contains("disk");
  });
}

}  // namespace

bool HarnessActsIn(const PlannedCell& cell) {
  if (cell.fault_plan.is_null()) return false;
  const Result<FaultPlan> plan = FaultPlan::FromJson(cell.fault_plan);
  TRIREME_CHECK(plan.ok());
  return std::any_of(plan->faults.begin(), plan->faults.end(), [](const Fault& fault) {
    return fault.key == ProcessFaultClass().key || fault.key == ResourceFaultClass().key ||
           fault.key == NetworkFaultClass().key;
  });
}

bool NeedsOwnMounts(const Plan& plan) {
  return std::any_of(plan.cells.begin(), plan.cells.end(), [](const PlannedCell& cell) {
    if (cell.fault_plan.is_null()) return false;
    const Result<FaultPlan> faults = FaultPlan::FromJson(cell.fault_plan);
    return faults.ok() && LimitsDisk(*faults);
  });
}

Status TrialFaults::Prepare(const std::string& temporary, pid_t guardian) {
  if (!LimitsDisk(plan_)) return Done{};
  TRIREME_ASSIGN_OR_RETURN(SmallDisk disk, SmallDisk::Mount(temporary, guardian));
  disk_.emplace(std::move(disk));
  temporary_ = temporary;
  return Done{};
}

bool TrialFaults::HoldsWorkload() const {
  return std::any_of(plan_.faults.begin(), plan_.faults.end(), [](const Fault& fault) {
    if (fault.key == ResourceFaultClass().key) return true;
    return fault.key == ProcessFaultClass().key && !fault.members.contains("event") &&
           !fault.members.contains("offset");
  });
}

void TrialFaults::Start(const FaultSubject& subject) {
  const auto limits = std::make_shared<ProcessLimits>(subject.process);
  const auto stops = std::make_shared<StoppedProcesses>();
  for (uint32_t number = 1; number <= plan_.faults.size(); ++number) {
    const Fault& fault = plan_.faults[number - 1];
    if (fault.key == ProcessFaultClass().key) {
      Result<ProcessFault> read = ReadProcessFault(fault);
      TRIREME_CHECK(read.ok());
      running_.push_back(
          {number, std::make_unique<SignalFault>(*std::move(read), number, subject, stops,
                                                 Recorder(number))});
    } else if (fault.key == ResourceFaultClass().key) {
      const Result<ResourceFault> read = ReadResourceFault(fault);
      TRIREME_CHECK(read.ok());
      running_.push_back(
          {number, std::make_unique<LimitFault>(*read, subject, limits, disk_ ? &*disk_ : nullptr,
                                                Recorder(number))});
    }
  }
}

RecordFault TrialFaults::Recorder(uint32_t number) {
  return [this, number](int64_t time, Json value) {
    events_->Add({.kind = EventKind::kFault,
                  .time = time,
                  .key = NameOf(number),
                  .value = std::move(value),
                  .id = number});
  };
}

int64_t TrialFaults::deadline() const {
  int64_t next = kNever;
  for (const Running& running : running_) next = std::min(next, running.fault->deadline());
  return next;
}

void TrialFaults::OnTime(int64_t now) {
  for (const Running& running : running_)
    if (now >= running.fault->deadline()) running.fault->OnTime(now);
}

void TrialFaults::Postpone(int64_t nanoseconds) {
  for (const Running& running : running_) running.fault->Postpone(nanoseconds);
}

bool TrialFaults::OnReport(const GuardianReport& report) {
  return std::any_of(running_.begin(), running_.end(),
                     [&](const Running& running) { return running.fault->OnReport(report); });
}

void TrialFaults::End() {
  for (const Running& running : running_) running.fault->End();
}

uint32_t TrialFaults::EndedBy(int status) const {
  const int signal = SignalIn(status);
  if (signal == 0) return 0;
  const auto ended = std::find_if(running_.begin(), running_.end(), [&](const Running& running) {
    return running.fault->MayHaveEnded(signal);
  });
  return ended == running_.end() ? 0 : ended->number;
}

}  // namespace trireme
