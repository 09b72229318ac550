#ifndef TRIREME_HARNESS_ENGINE_SUPERVISOR_H_
#define TRIREME_HARNESS_ENGINE_SUPERVISOR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/base/rng.h"
#include "harness/engine/adaptive_concurrency.h"
#include "harness/engine/engine.h"
#include "harness/engine/guardian.h"
#include "harness/engine/poller.h"
#include "harness/engine/port_shares.h"
#include "harness/engine/processor_use.h"
#include "harness/engine/runner_pool.h"
#include "harness/engine/schedule.h"
#include "harness/engine/trial.h"

namespace trireme {

// The loop of a run: which trial starts when and on which runner, and what becomes of both.
//
// Callbacks of the poller only note what came; whatever ends a trial or a runner happens between
// two waits, in Settle() and JudgeEnded(), so that nothing is taken away under a callback.
class Supervisor {
 public:
  Supervisor(const Plan& plan, const EngineOptions& options, const EngineEvents& events,
             Guardian guardian, const rlimit& runner_files);

  // `signals` is a signalfd of what interrupts a run.
  EngineOutcome Run(int signals);

 private:
  // One of the places for a trial. While its runner loads, there is an attempt and no trial yet.
  struct Slot {
    std::optional<Attempt> attempt;
    Runner* runner = nullptr;
    std::unique_ptr<Trial> trial;
    ProcessorUse use = {};
    bool waits = false;  // hardly computed when it was last looked at
  };

  // A trial that has ended and is to be sealed and judged.
  struct Ended {
    Attempt attempt;
    std::unique_ptr<Trial> trial;
    std::string runner_key;  // "" where its runner is gone
    Json environment = Json::object();
  };

  // Starting.
  void Fill();
  void Begin(Slot& slot, const Attempt& attempt);
  Runner::LoadPatience LoadPatience(size_t cell) const;
  const RunnerSpec& SpecOf(size_t cell);
  bool RunnerAwaits(size_t cell);
  bool HasPlace(size_t cell) const;
  int Computing() const;
  bool MayOvercommit(size_t cell) const;
  void StartTrial(Slot& slot);
  std::unique_ptr<Trial> NewTrial(const Slot& slot);

  void LookAtProcessors(int64_t now);

  // What came.
  void OnRunner(Runner& runner);
  void OnPacket(Runner& runner, Packet& packet);
  void OnReady(Runner& runner, const Packet& packet);
  void LookAtLoading(Runner& runner);
  void OnSlowLoad(Runner& runner);
  void OnHungLoad(Runner& runner);
  void LoadInTrials(Runner& runner, const std::string& reason);
  void OnRefused(Runner& runner, const Packet& packet);
  void Refuse(Runner& runner, const EngineEvents::Refusal& refusal);
  void OnGuardian();
  void OnStarted(const GuardianReport& report);
  void OnFailed(const GuardianReport& report);
  void OnExited(const GuardianReport& report);
  void OnSignal(int signals);

  // Ending.
  void BreakRunner(Runner& runner, const std::string& reason);
  void Settle();
  void Vacate(Slot& slot);
  bool JudgesFirst() const;
  bool JudgeEnded();
  void Judge(const Ended& ended);
  void CountBroken(const Ended& ended);
  void GiveUp(size_t cell, const EngineEvents::Refusal& refusal);
  void Release(Slot& slot);
  void Stop();
  void FailInfrastructure(const std::string& reason);
  void ReplaceGuardian();
  void EndEverything(const std::string& reason);

  Slot* SlotOf(const Runner& runner);
  int Running() const;
  bool Unsettled() const;
  int64_t NextDeadline() const;
  void OnTime();
  void Postpone(int64_t stalled);

  const Plan& plan_;
  const EngineOptions& options_;
  const EngineEvents& events_;
  std::optional<Guardian> guardian_;
  const rlimit runner_files_;
  Poller poller_;
  const PortShares ports_;
  ProxyPorts proxy_ports_;
  Trial::Services services_;
  Schedule schedule_;
  std::vector<Slot> slots_;
  std::vector<Ended> ended_;
  RunnerPool runners_;
  EngineOutcome outcome_;

  std::map<size_t, RunnerSpec> specs_;  // by cell
  std::map<std::string, std::vector<size_t>> cells_of_key_;
  std::map<std::string, std::string> needs_process_;      // key of a forking runner -> why
  std::map<std::string, EngineEvents::Refusal> refused_;  // by key
  std::set<size_t> told_ready_;
  std::map<size_t, int> broken_in_a_row_;      // by cell
  std::map<size_t, int> slow_loads_in_a_row_;  // the same
  bool guardian_lost_ = false;
  bool stopping_ = false;
  bool at_once_ = false;
  int64_t begin_ = 0;
  int64_t next_tick_ = 0;
  Rng names_;
  const std::vector<bool> harness_acts_;  // by cell: in its faults
  const bool harness_acts_somewhere_;
  const int jobs_;
  AdaptiveConcurrency concurrency_;
  int64_t next_look_ = 0;  // at the processors
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_SUPERVISOR_H_
