#ifndef TRIREME_HARNESS_ENGINE_TRIAL_H_
#define TRIREME_HARNESS_ENGINE_TRIAL_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/unique_fd.h"
#include "harness/engine/engine.h"
#include "harness/engine/guardian.h"
#include "harness/engine/output_capture.h"
#include "harness/engine/pipe_reader.h"
#include "harness/engine/poller.h"
#include "harness/engine/schedule.h"
#include "harness/engine/stack_report.h"
#include "harness/engine/trial_faults.h"
#include "harness/engine/trial_network.h"
#include "harness/engine/trial_setting.h"
#include "harness/protocol/channel.h"
#include "harness/scenario/plan.h"

namespace trireme {

// One attempt at a trial: its folder, the messages about it, its deadline, what happens at that,
// and what remains.
//
//   Prepare -> Send -> [started] -> running -> [ended] -> over -> Finish
// At the deadline: the stacks signal, then the debugger, then SIGKILL. Where the runner does not do
// its part it is to be ended: `broken()` says why, and Vanish() follows once nothing of it is left.
class Trial {
 public:
  struct Services {
    Poller& poller;
    std::function<Result<uint64_t>(const LaunchRequest&)> launch;  // by the guardian
    std::function<void(pid_t)> end;                                // of what it launched
    std::function<pid_t()> guardian;
    std::string debugger;  // path of gdb, "" when there is none
    EnginePatience patience;
    ProxyPorts* proxy_ports;
  };

  Trial(const Services& services, const PlannedCell& cell, TrialSetting setting);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // Makes the folder and the recording. An error is the disk's.
  Status Prepare();
  // Gives the trial to a runner. An error is the runner's, or a want of descriptors.
  Status Send(Channel& runner);

  // Messages of the runner; an error breaks it.
  Status OnStarted(Packet& packet);
  Status OnFailed(const Packet& packet);
  Status OnEnded(const Packet& packet);
  // Answers of the guardian about the debugger. False when the report is not about it.
  bool OnReport(const GuardianReport& report);

  int64_t deadline() const;
  void OnTime(int64_t now);
  // Its deadline comes that much later.
  void Postpone(int64_t nanoseconds);
  // The run is to end: so is this.
  void Interrupt();

  // 0: not started yet.
  pid_t process() const { return pid_; }
  bool over() const { return phase_ == Phase::kOver; }
  const std::string& broken() const { return broken_; }
  void Break(const std::string& reason);
  // The runner is gone, and everything below it.
  void Vanish(const std::string& reason, const Json& orphans);
  // The same, by no fault of this trial that could be told from another's: its EXIT is
  // `interrupted`. Or it never began, and its runner is there.
  void Disturb(const std::string& reason);

  // Completes the folder. An error is the disk's; then the recording is left as it is.
  // REQUIRES: over().
  Result<FinishedTrial> Finish();

  const Attempt& attempt() const { return setting_.attempt; }
  const std::string& directory() const { return setting_.directory; }
  bool interrupted() const { return interrupted_; }
  // By which its recording's file has grown so far: its tables are more than a megabyte where connections are followed, and
  // are soon read. A system call.
  int64_t RecordedBytes() const;
  bool vanished() const { return vanished_ && !disturbed_; }
  bool disturbed() const { return disturbed_; }

 private:
  enum class Phase { kNew, kSent, kRunning, kStacks, kDebugger, kKilled, kBroken, kOver };

  void Enter(Phase phase, int64_t patience);
  // `begin`: from when their times count.
  void StartFaults(int64_t begin);
  // The workload is about to begin: not before what hits it from its first statement on does.
  void LetGo();
  void ForgetHold();
  void WatchOutput(OutputCapture& capture);
  void TimedOut();
  void ReadStacks();
  void StacksDone();
  void DebuggerDone();
  void Kill();
  void WatchMemory(int64_t now);
  void CloseOutput();
  Json ExitValue(const std::string& key) const;
  std::string ExitKey() const;
  Status Seal(const std::string& key, const Json& value) const;
  Status WriteStacks();
  Json FaultThatEndedIt() const;
  std::string Path(const char* file) const;

  const Services& services_;
  const PlannedCell& cell_;
  const TrialSetting setting_;
  Phase phase_ = Phase::kNew;
  int64_t begin_ = 0;
  int64_t end_ = 0;          // when this was told
  int64_t process_end_ = 0;  // never later
  int64_t phase_deadline_ = kNever;
  int64_t away_ = 0;  // how long the loop was away between its sending and its start
  int64_t time_ = 0;  // that it has, with what others took of it; 0: it did not start
  int64_t next_memory_check_ = kNever;

  HarnessEvents events_;
  TrialFaults faults_;
  TrialNetwork network_;
  OutputCapture output_;
  OutputCapture errors_;
  PipeText stacks_;
  UniqueFd held_, go_;  // pipes: of a workload that waits, and to it; see `hold` in PROTOCOL.md
  UniqueFd process_;    // a pidfd
  pid_t pid_ = 0;

  PipeText debugger_output_;
  uint64_t debugger_token_ = 0;
  pid_t debugger_ = 0;
  StackReport report_;

  bool prepared_ = false;
  bool timed_out_ = false;
  bool interrupted_ = false;
  bool memory_exceeded_ = false;
  bool vanished_ = false;
  bool disturbed_ = false;
  int64_t empty_recording_ = 0;  // bytes of its file
  int64_t newest_event_ = 0;  // at the deadline, CLOCK_MONOTONIC
  int64_t resident_ = 0;      // the most that was seen
  std::string broken_;
  Json ended_ = Json::object();
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_TRIAL_H_
