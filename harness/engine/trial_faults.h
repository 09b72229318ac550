#ifndef TRIREME_HARNESS_ENGINE_TRIAL_FAULTS_H_
#define TRIREME_HARNESS_ENGINE_TRIAL_FAULTS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/engine/harness_events.h"
#include "harness/engine/harness_fault.h"
#include "harness/engine/small_disk.h"
#include "harness/fault/fault.h"
#include "harness/scenario/plan.h"

namespace trireme {

// What the harness itself does of a plan to one trial: signals to its processes, and limits of what it gets.
class TrialFaults {
 public:
  // `events` outlives this; FAULT events of what is done are added to it. REQUIRES: a plan that CheckFaultPlan() takes.
  TrialFaults(FaultPlan plan, HarnessEvents* events) : plan_(std::move(plan)), events_(events) {}
  ~TrialFaults() { End(); }
  TrialFaults(const TrialFaults&) = delete;
  TrialFaults& operator=(const TrialFaults&) = delete;

  // Before the trial has a process. Where the plan limits its disk, mounts that at `temporary`; see SmallDisk.
  Status Prepare(const std::string& temporary, pid_t guardian);
  // "", or the folder that the trial shall have its temporary files in.
  const std::string& temporary() const { return temporary_; }

  // Whether the workload must not begin before Start() and OnTime(): the times of limits and signals count from its first
  // statement. Else one that comes soon would hit what the runtime and the harness need to start, on the slower ones only.
  bool HoldsWorkload() const;

  void Start(const FaultSubject& subject);
  int64_t deadline() const;
  void OnTime(int64_t now);
  void Postpone(int64_t nanoseconds);
  // Answers of the guardian about what a fault launched. False when the report is not about that.
  bool OnReport(const GuardianReport& report);
  // Takes back what is not over.
  void End();

  // The number in the plan, from 1, of the fault that ended the trial's own process, when it ended with that wait status; 0:
  // none did.
  uint32_t EndedBy(int status) const;
  const std::string& NameOf(uint32_t number) const { return plan_.faults[number - 1].name; }

 private:
  struct Running {
    uint32_t number = 0;
    std::unique_ptr<HarnessFault> fault;
  };

  RecordFault Recorder(uint32_t number);

  const FaultPlan plan_;
  HarnessEvents* const events_;
  std::string temporary_;
  std::optional<SmallDisk> disk_;
  std::vector<Running> running_;
};

// Whether the harness has a part in a cell's faults while its trials run, and its loop has to be there at their times: signals,
// limits, a proxy.
bool HarnessActsIn(const PlannedCell& cell);

// Whether a cell's faults limit the disk of its trials: for them the guardian has to have mounts of its own.
bool NeedsOwnMounts(const Plan& plan);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_TRIAL_FAULTS_H_
