// Over 400 lines: the states of slots and runners change together, and are easier to judge in one
// place.
#include "harness/engine/supervisor.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"

namespace trireme {
namespace {

constexpr int kRunnersPerJob = 16;
constexpr int kBrokenInARow = 3;
// Such a one is read and judged in some milliseconds.
constexpr int64_t kLargeRecording = 1 << 20;
constexpr int64_t kSampleInterval = 100 * kNanosecondsPerMillisecond;
constexpr int64_t kTickInterval = 100 * kNanosecondsPerMillisecond;
// Shorter ones no deadline is as exact as.
constexpr int64_t kNoticedStall = 50 * kNanosecondsPerMillisecond;

std::vector<bool> WhereHarnessActs(const Plan& plan) {
  std::vector<bool> acts;
  for (const PlannedCell& cell : plan.cells) acts.push_back(HarnessActsIn(cell));
  return acts;
}

bool AnySweeps(const Plan& plan) {
  return std::any_of(plan.cells.begin(), plan.cells.end(),
                     [](const PlannedCell& cell) { return cell.sweep.is_array(); });
}

size_t MostSlots(const Plan& plan, const EngineOptions& options) {
  return static_cast<size_t>(
      std::max({options.jobs, AnySweeps(plan) ? options.most_jobs : 0, 1}));
}

}  // namespace

Supervisor::Supervisor(const Plan& plan, const EngineOptions& options, const EngineEvents& events,
                       Guardian guardian, const rlimit& runner_files)
    : plan_(plan),
      options_(options),
      events_(events),
      guardian_(std::move(guardian)),
      runner_files_(runner_files),
      ports_(KernelPorts::Read(), MostSlots(plan, options)),
      proxy_ports_(ports_.OfProxies()),
      services_{
          .poller = poller_,
          .launch = [this](const LaunchRequest& request) { return guardian_->Launch(request); },
          .end = [this](pid_t pid) { (void)guardian_->End(pid); },
          .guardian = [this] { return guardian_->pid(); },
          .debugger = FindProgram("gdb"),
          .patience = options.patience,
          .proxy_ports = &proxy_ports_},
      schedule_(plan),
      slots_(MostSlots(plan, options)),
      runners_(poller_, static_cast<size_t>(std::max(options.jobs, 1)) * kRunnersPerJob),
      names_(EntropySeed()),
      harness_acts_(WhereHarnessActs(plan)),
      harness_acts_somewhere_(
          std::any_of(harness_acts_.begin(), harness_acts_.end(), [](bool acts) { return acts; })),
      jobs_(std::max(options.jobs, 1)),
      concurrency_(jobs_, AnySweeps(plan) ? options.most_jobs : 0) {}

EngineOutcome Supervisor::Run(int signals) {
  begin_ = SystemClock().Now();
  poller_.Watch(signals, [this, signals] { OnSignal(signals); });
  poller_.Watch(guardian_->fd(), [this] { OnGuardian(); });
  int64_t last_woken = begin_;
  while (true) {
    LookAtProcessors(SystemClock().Now());
    if (!stopping_ && !JudgesFirst()) Fill();
    if (JudgeEnded()) continue;
    if (Running() == 0 && (stopping_ || schedule_.empty())) break;
    const int64_t due = NextDeadline();
    const int64_t begin = SystemClock().Now();
    poller_.Wait(due);
    const int64_t woken = SystemClock().Now();
    // All but the wait until `due`, without a gap: what kept this process away, be it a pause of the machine, a stop of all or
    // much to judge, has kept its runners away, too.
    Postpone(begin - last_woken + std::max<int64_t>(0, woken - std::max(due, begin)));
    last_woken = woken;
    OnTime();
    Settle();
  }
  poller_.Forget(signals);
  EndEverything("the run is over");
  outcome_.without_ports = ports_.none_left();
  return outcome_;
}

// ---- starting

void Supervisor::Fill() {
  for (Slot& slot : slots_) {
    while (!slot.attempt && !stopping_) {
      if (schedule_.empty()) return;
      if (options_.budget > 0 && SystemClock().Now() - begin_ >= options_.budget) {
        outcome_.budget_spent = true;
        stopping_ = true;
        return;
      }
      const int busy = Running() + static_cast<int>(ended_.size());
      const std::optional<Attempt> attempt =
          schedule_.Next(busy, [this](size_t cell) { return RunnerAwaits(cell); },
                         [this](size_t cell) { return HasPlace(cell); });
      if (!attempt) return;
      Begin(slot, *attempt);
    }
  }
}

const RunnerSpec& Supervisor::SpecOf(size_t cell) {
  const auto known = specs_.find(cell);
  if (known != specs_.end() && !needs_process_.contains(known->second.key)) return known->second;
  const PlannedCell& planned = plan_.cells[cell];
  RunnerSpec spec = SpecFor(planned, planned.isolated_process, options_);
  if (const auto reason = needs_process_.find(spec.key); reason != needs_process_.end()) {
    if (events_.note) events_.note(cell, "isolation: process, since " + reason->second);
    spec = SpecFor(planned, true, options_);
  }
  cells_of_key_[spec.key].push_back(cell);
  return specs_[cell] = std::move(spec);
}

// Whether a trial of this cell need neither wait for a runner nor start one beside those it has.
bool Supervisor::RunnerAwaits(size_t cell) {
  const RunnerSpec& spec = SpecOf(cell);
  return spec.isolated || runners_.FindIdle(spec.key) != nullptr || !runners_.Has(spec.key);
}

// Of trials that compute there are `jobs`, of sweeps more while processors are idle. Those of sweeps that only wait take nobody's
// place. All of that among themselves.
bool Supervisor::HasPlace(size_t cell) const {
  if (Running() < jobs_) return true;
  return Computing() < concurrency_.limit() && MayOvercommit(cell) &&
         std::all_of(slots_.begin(), slots_.end(), [this](const Slot& slot) {
           return !slot.attempt || MayOvercommit(slot.attempt->cell);
         });
}

// What the harness does at its time it would do late, among so many.
bool Supervisor::MayOvercommit(size_t cell) const {
  return !harness_acts_[cell] && plan_.cells[cell].sweep.is_array();
}

void Supervisor::LookAtProcessors(int64_t now) {
  if (!concurrency_.adapts() || now < next_look_) return;
  next_look_ = now + kSampleInterval;
  for (Slot& slot : slots_)
    slot.waits = slot.trial != nullptr && slot.trial->process() != 0 &&
                 MayOvercommit(slot.attempt->cell) &&
                 slot.use.HardlyAny(slot.trial->process(), now);
  if (!options_.processors) return;
  if (const std::optional<ProcessorTimes> times = options_.processors())
    concurrency_.Sample(
        *times, Computing() + static_cast<int>(ended_.size()) >= concurrency_.limit());
}

void Supervisor::Begin(Slot& slot, const Attempt& attempt) {
  slot.attempt = attempt;
  const RunnerSpec& spec = SpecOf(attempt.cell);
  if (const auto refusal = refused_.find(spec.key); refusal != refused_.end()) {
    GiveUp(attempt.cell, refusal->second);
    return Release(slot);
  }
  slot.runner = runners_.FindIdle(spec.key);
  if (slot.runner != nullptr) return StartTrial(slot);
  slot.runner = &runners_.Start(spec, *guardian_, LoadPatience(attempt.cell),
                                [this](Runner& runner) { OnRunner(runner); });
  if (!slot.runner->broken.empty()) guardian_lost_ = true;
}

Runner::LoadPatience Supervisor::LoadPatience(size_t cell) const {
  const int64_t timeout = plan_.cells[cell].timeout;
  return {.longest = std::max(timeout, options_.patience.load),
          .idle = std::max(timeout, options_.patience.idle_load),
          .processor = std::max(timeout, options_.patience.busy_load)};
}

std::unique_ptr<Trial> Supervisor::NewTrial(const Slot& slot) {
  TrialSetting setting = SettingFor(*slot.attempt, plan_, options_, names_);
  setting.ports = ports_.OfTrial(static_cast<size_t>(&slot - slots_.data()));
  setting.clients = ports_.OfClients();
  return std::make_unique<Trial>(services_, plan_.cells[slot.attempt->cell], std::move(setting));
}

void Supervisor::StartTrial(Slot& slot) {
  slot.runner->state = Runner::State::kBusy;
  runners_.Touch(*slot.runner);
  const size_t cell = slot.attempt->cell;
  if (told_ready_.insert(cell).second && events_.ready)
    events_.ready(cell, slot.runner->environment);
  slot.trial = NewTrial(slot);
  if (const Status prepared = slot.trial->Prepare(); !prepared.ok()) {
    slot.runner->state = Runner::State::kIdle;
    Release(slot);
    return FailInfrastructure(prepared.error().message);
  }
  if (events_.started) events_.started(cell, slot.attempt->trial);
  if (const Status sent = slot.trial->Send(slot.runner->channel); !sent.ok())
    BreakRunner(*slot.runner, sent.error().message);
}

// ---- what came

void Supervisor::OnRunner(Runner& runner) {
  Result<std::optional<Packet>> received = runner.channel.Receive();
  if (!received.ok()) return BreakRunner(runner, "broken protocol: " + received.error().message);
  if (!received->has_value()) {
    runner.lost_while_loading = runner.state == Runner::State::kLoading;
    return BreakRunner(runner, "the runner closed its socket");
  }
  OnPacket(runner, **received);
}

void Supervisor::OnPacket(Runner& runner, Packet& packet) {
  const std::string type = GetString(packet.message, "type");
  if (runner.state == Runner::State::kLoading && type == "ready") return OnReady(runner, packet);
  if (runner.state == Runner::State::kLoading && type == "refused")
    return OnRefused(runner, packet);
  Slot* slot = SlotOf(runner);
  const bool known = type == "started" || type == "failed" || type == "ended";
  if (slot == nullptr || slot->trial == nullptr || !known)
    return BreakRunner(runner,
                       "broken protocol: a message of type '" + type + "' was not expected");
  const Status status = type == "started"  ? slot->trial->OnStarted(packet)
                        : type == "failed" ? slot->trial->OnFailed(packet)
                                           : slot->trial->OnEnded(packet);
  if (!status.ok()) BreakRunner(runner, "broken protocol: " + status.error().message);
}

void Supervisor::OnReady(Runner& runner, const Packet& packet) {
  runner.environment = GetMember(packet.message, "environment");
  std::vector<std::string> threads;
  for (const Json& name : GetMember(packet.message, "threads"))
    if (name.is_string()) threads.push_back(name.get<std::string>());
  Slot* slot = SlotOf(runner);
  runner.state = Runner::State::kIdle;
  if (slot == nullptr) return;
  slow_loads_in_a_row_.erase(slot->attempt->cell);
  if (threads.empty() || runner.spec.isolated) return StartTrial(*slot);
  LoadInTrials(runner, "loading left threads running: " + Join(threads, ", "));
}

void Supervisor::LookAtLoading(Runner& runner) {
  switch (runner.LookAtLoading()) {
    case Runner::Load::kGoesOn:
      return;
    case Runner::Load::kHangs:
      return OnHungLoad(runner);
    case Runner::Load::kTooSlow:
      return OnSlowLoad(runner);
  }
}

// Nothing is known of the program: a trial that loads for itself would have no more time.
void Supervisor::OnSlowLoad(Runner& runner) {
  Slot* slot = SlotOf(runner);
  if (slot != nullptr) {
    const std::string why = "loading was not over after " + FormatDuration(runner.loading) +
                            ", in which it got " + FormatDuration(runner.processor) +
                            " of the processor and went on: the machine is too busy, or the "
                            "workload takes longer to load";
    const size_t cell = slot->attempt->cell;
    slot->trial = NewTrial(*slot);
    slot->trial->Disturb(why);
    slot->runner = nullptr;
    if (++slow_loads_in_a_row_[cell] == kBrokenInARow)
      GiveUp(cell, {.reason = "broken", .message = "three times in a row " + why});
  }
  runners_.End(runner, *guardian_);
}

void Supervisor::OnHungLoad(Runner& runner) {
  const std::string within = "within " + FormatDuration(runner.loading);
  if (runner.spec.isolated)
    return BreakRunner(runner, "the runner did not answer `load` " + within);
  LoadInTrials(runner, "loading did not end " + within);
}

// In a trial it has the trial's time, and what hangs leaves its stacks.
void Supervisor::LoadInTrials(Runner& runner, const std::string& reason) {
  needs_process_[runner.spec.key] = reason;
  Slot* slot = SlotOf(runner);
  runners_.End(runner, *guardian_);
  if (slot == nullptr) return;
  const Attempt attempt = *slot->attempt;
  Begin(*slot, attempt);
}

void Supervisor::OnRefused(Runner& runner, const Packet& packet) {
  Refuse(runner, {.reason = GetString(packet.message, "reason", "protocol"),
                  .message = GetString(packet.message, "message"),
                  .line = static_cast<int>(GetInt(packet.message, "line"))});
  runners_.End(runner, *guardian_);
}

// Holds for every cell of that runner's key.
void Supervisor::Refuse(Runner& runner, const EngineEvents::Refusal& refusal) {
  refused_[runner.spec.key] = refusal;
  Slot* slot = SlotOf(runner);
  if (slot == nullptr) return;
  GiveUp(slot->attempt->cell, refusal);
  Release(*slot);
}

void Supervisor::OnGuardian() {
  const std::optional<GuardianReport> report = guardian_->Receive();
  if (!report) {
    poller_.Forget(guardian_->fd());
    guardian_lost_ = true;
    return;
  }
  for (Slot& slot : slots_)
    if (slot.trial != nullptr && slot.trial->OnReport(*report)) return;
  switch (report->kind) {
    case GuardianReport::Kind::kStarted:
      return OnStarted(*report);
    case GuardianReport::Kind::kFailed:
      return OnFailed(*report);
    case GuardianReport::Kind::kExited:
      return OnExited(*report);
  }
}

void Supervisor::OnStarted(const GuardianReport& report) {
  Runner* runner = runners_.FindByToken(report.token);
  // Without one it is a debugger whose trial ended meanwhile.
  if (runner == nullptr || runner->state == Runner::State::kEnding) services_.end(report.pid);
  if (runner != nullptr) runner->pid = report.pid;
}

void Supervisor::OnFailed(const GuardianReport& report) {
  Runner* runner = runners_.FindByToken(report.token);
  if (runner == nullptr) return;
  const EngineEvents::Refusal refusal = {
      .reason = "start",
      .message = "cannot start " + runner->spec.argv[0] + ": " +
                 std::strerror(report.error)};  // NOLINT(concurrency-mt-unsafe): one thread
  Refuse(*runner, refusal);
  runners_.Remove(*runner);
}

void Supervisor::OnExited(const GuardianReport& report) {
  Runner* runner = runners_.FindByPid(report.pid);
  if (runner == nullptr) return;
  if (Slot* slot = SlotOf(*runner); slot != nullptr) {
    if (slot->trial == nullptr) slot->trial = NewTrial(*slot);
    slot->trial->Vanish(runner->Describe(report.status), report.orphans);
    slot->runner = nullptr;
  }
  runners_.Remove(*runner);
}

void Supervisor::OnSignal(int signals) {
  signalfd_siginfo info{};
  while (::read(signals, &info, sizeof(info)) == sizeof(info)) {
    at_once_ = outcome_.interrupted;
    outcome_.interrupted = true;
  }
  Stop();
}

// ---- ending

void Supervisor::BreakRunner(Runner& runner, const std::string& reason) {
  if (runner.state == Runner::State::kEnding) return;
  runner.broken = reason;
  if (Slot* slot = SlotOf(runner); slot != nullptr && slot->trial != nullptr)
    slot->trial->Break(reason);
  runners_.End(runner, *guardian_);
}

void Supervisor::Settle() {
  if (guardian_lost_) ReplaceGuardian();
  if (at_once_) EndEverything("interrupted");
  for (Slot& slot : slots_) {
    if (slot.trial == nullptr) continue;
    if (!slot.trial->broken().empty() && !slot.trial->disturbed() && slot.runner != nullptr)
      BreakRunner(*slot.runner, slot.trial->broken());
    if (slot.trial->over()) Vacate(slot);
  }
  runners_.Sweep();
}

// The next trial runs while this one is sealed and judged.
void Supervisor::Vacate(Slot& slot) {
  Ended ended{.attempt = *slot.attempt, .trial = std::move(slot.trial)};
  Runner* runner = slot.runner;
  Release(slot);
  if (runner != nullptr) {
    ended.environment = runner->environment;
    ended.runner_key = runner->spec.key;
    if (runner->state == Runner::State::kBusy) runner->state = Runner::State::kIdle;
    if (runner->spec.isolated) runners_.End(*runner, *guardian_);
  }
  ended_.push_back(std::move(ended));
}

// The judgement may be that no other trial, or none of that cell, starts; or what it takes is not to be taken from one that
// runs: nobody does the next one's faults at their time, or reads what it prints, while a large history is read.
bool Supervisor::JudgesFirst() const {
  return std::any_of(ended_.begin(), ended_.end(), [this](const Ended& ended) {
    return options_.fail_fast || harness_acts_somewhere_ || ended.trial->vanished() ||
           ended.trial->RecordedBytes() > kLargeRecording;
  });
}

// False: there was nothing to judge.
bool Supervisor::JudgeEnded() {
  if (ended_.empty()) return false;
  for (const Ended& ended : std::exchange(ended_, {})) {
    Judge(ended);
    if (ended.runner_key.empty() || schedule_.Pending(cells_of_key_[ended.runner_key])) continue;
    while (Runner* idle = runners_.FindIdle(ended.runner_key)) runners_.End(*idle, *guardian_);
  }
  return true;
}

void Supervisor::Judge(const Ended& ended) {
  Result<FinishedTrial> finished = ended.trial->Finish();
  if (!finished.ok()) return FailInfrastructure(finished.error().message);
  if (ended.trial->interrupted()) return;
  CountBroken(ended);
  finished->environment = ended.environment;
  schedule_.Took(ended.attempt, finished->seconds);
  const Judgement judgement = events_.judge ? events_.judge(*finished) : Judgement::kPass;
  const Attempt& attempt = ended.attempt;
  if (!attempt.retry) ++outcome_.executed;
  if (judgement == Judgement::kUnknown && !attempt.retry)
    schedule_.Repeat(attempt.cell, attempt.trial);
  if (judgement == Judgement::kFail && options_.fail_fast) stopping_ = true;
  if (!KeepsFolder(options_.keep, judgement)) (void)RemoveTree(finished->directory);
}

void Supervisor::CountBroken(const Ended& ended) {
  const size_t cell = ended.attempt.cell;
  if (!ended.trial->vanished()) {
    broken_in_a_row_.erase(cell);
    return;
  }
  if (++broken_in_a_row_[cell] < kBrokenInARow) return;
  GiveUp(cell, {.reason = "broken",
                .message = "three runners in a row broke; the last: " + ended.trial->broken()});
}

void Supervisor::GiveUp(size_t cell, const EngineEvents::Refusal& refusal) {
  schedule_.GiveUp(cell);
  if (events_.refused) events_.refused(cell, refusal);
}

void Supervisor::Release(Slot& slot) {
  schedule_.Finished(*slot.attempt);
  slot = Slot{};
}

void Supervisor::Stop() {
  stopping_ = true;
  for (Slot& slot : slots_) {
    if (!slot.attempt) continue;
    if (slot.trial != nullptr) {
      slot.trial->Interrupt();
      continue;
    }
    Runner* runner = slot.runner;
    Release(slot);
    if (runner != nullptr) runners_.End(*runner, *guardian_);
  }
}

void Supervisor::FailInfrastructure(const std::string& reason) {
  if (outcome_.infrastructure.empty()) outcome_.infrastructure = reason;
  Stop();
}

// Nothing of the old one's is left when this returns; its trials vanished. A workload that ends
// every guardian is given up after three, as one that ends its runners is.
void Supervisor::ReplaceGuardian() {
  guardian_lost_ = false;
  EndEverything("the guardian process was ended");
  if (stopping_) return;
  Result<Guardian> next =
      Guardian::Start({.files = runner_files_, .own_mounts = NeedsOwnMounts(plan_)});
  if (!next.ok()) return FailInfrastructure(next.error().message);
  guardian_.emplace(*std::move(next));
  poller_.Watch(guardian_->fd(), [this] { OnGuardian(); });
}

void Supervisor::EndEverything(const std::string& reason) {
  if (guardian_->fd() >= 0) poller_.Forget(guardian_->fd());
  guardian_->Stop();
  const bool alone = Running() == 1;
  for (Slot& slot : slots_) {
    if (!slot.attempt) continue;
    if (slot.trial == nullptr) slot.trial = NewTrial(slot);
    if (slot.trial->over()) continue;
    // Alone, it is this trial that did it; beside others nobody knows which, and each is repeated.
    if (alone)
      slot.trial->Vanish(reason, Json::array());
    else
      slot.trial->Disturb(reason);
    slot.runner = nullptr;
  }
  runners_.RemoveAll();
}

// ---- small

Supervisor::Slot* Supervisor::SlotOf(const Runner& runner) {
  for (Slot& slot : slots_)
    if (slot.runner == &runner) return &slot;
  return nullptr;
}

int Supervisor::Running() const {
  return static_cast<int>(std::count_if(slots_.begin(), slots_.end(),
                                        [](const Slot& slot) { return slot.attempt.has_value(); }));
}

int Supervisor::Computing() const {
  return static_cast<int>(std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return slot.attempt.has_value() && !slot.waits;
  }));
}

// Whether there is work for Settle() before anything comes.
bool Supervisor::Unsettled() const {
  if (guardian_lost_) return true;
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    if (slot.trial == nullptr) return false;
    const bool to_break = slot.runner != nullptr && slot.runner->state != Runner::State::kEnding &&
                          !slot.trial->broken().empty();
    return slot.trial->over() || to_break;
  });
}

int64_t Supervisor::NextDeadline() const {
  if (Unsettled()) return 0;
  int64_t next = events_.tick ? next_tick_ : kNever;
  if (concurrency_.adapts()) next = std::min(next, next_look_);
  for (const Slot& slot : slots_)
    if (slot.trial != nullptr) next = std::min(next, slot.trial->deadline());
  return std::min(next, runners_.deadline());
}

// While this loop seals and has judged one trial, or stands still, nobody reads what the others write or answers their
// runners: that time is not theirs.
void Supervisor::Postpone(int64_t stalled) {
  if (stalled < kNoticedStall) return;
  for (Slot& slot : slots_)
    if (slot.trial != nullptr) slot.trial->Postpone(stalled);
  runners_.Postpone(stalled);
}

void Supervisor::OnTime() {
  const int64_t now = SystemClock().Now();
  for (Slot& slot : slots_)
    if (slot.trial != nullptr && now >= slot.trial->deadline()) slot.trial->OnTime(now);
  for (Runner* runner : runners_.Late(now)) {
    if (runner->state == Runner::State::kEnding)
      guardian_lost_ = true;  // it does not do its work
    else
      LookAtLoading(*runner);
  }
  if (!events_.tick || now < next_tick_) return;
  next_tick_ = now + kTickInterval;
  events_.tick();
}

}  // namespace trireme
