#ifndef TRIREME_HARNESS_ENGINE_SIGNAL_FAULT_H_
#define TRIREME_HARNESS_ENGINE_SIGNAL_FAULT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/engine/fault_targets.h"
#include "harness/engine/harness_fault.h"
#include "harness/engine/signal_response.h"
#include "harness/engine/started_program.h"
#include "harness/fault/process.h"
#include "harness/history/recording_watch.h"

namespace trireme {

// How many faults of a trial hold each of its processes stopped: it goes on when none does.
struct StoppedProcesses {
  std::map<pid_t, int> faults_of;
};

// Does a process fault: waits for its moment and for a process that it means, signals it, and lets go on what it stopped.
class SignalFault final : public HarnessFault {
 public:
  // `number`: of the fault in the plan, from 1. `stops`: shared by all faults of the trial.
  SignalFault(ProcessFault fault, uint32_t number, const FaultSubject& subject,
              std::shared_ptr<StoppedProcesses> stops, RecordFault record);
  ~SignalFault() override { End(); }
  SignalFault(const SignalFault&) = delete;
  SignalFault& operator=(const SignalFault&) = delete;

  int64_t deadline() const override { return deadline_; }
  void OnTime(int64_t now) override;
  void Postpone(int64_t nanoseconds) override;
  void End() override;
  bool OnReport(const GuardianReport& report) override;
  bool MayHaveEnded(int signal) const override {
    return may_end_own_ && fault_.signal == signal;
  }

 private:
  enum class Step { kAwaiting, kDue, kSeeking, kStopped, kEnding, kEnded, kOver };
  // What is to be started again, and was.
  struct Restart {
    FaultTarget target;
    StartedProgram program;
    uint64_t token = 0;
    pid_t pid = 0;
  };

  // What an event says beside the target.
  struct Told {
    bool over = false;
    SignalResponse response = SignalResponse::kDefault;
    std::string problem = {};
  };

  // The workload, which waits at the event or the byte, goes on.
  void LetPass();
  void Strike(int64_t now);
  void Continue();
  void AwaitEnds(int64_t now);
  void RestartAll();
  void Record(const FaultTarget& target, int64_t time, const Told& told) const;

  const ProcessFault fault_;
  const uint32_t number_;
  const FaultSubject subject_;
  const std::shared_ptr<StoppedProcesses> stops_;
  const RecordFault record_;
  Step step_;
  int64_t deadline_;
  RecordingWatch watch_;
  std::vector<FaultTarget> stopped_;
  std::vector<Restart> restarts_;
  bool hit_own_ = false;
  bool may_end_own_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_SIGNAL_FAULT_H_
