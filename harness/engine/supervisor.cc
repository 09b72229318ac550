// Over 400 lines: the states of slots and runners change together, and are easier to judge in one
// place.
#include "harness/engine/supervisor.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
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
constexpr int kGuardiansLostInARow = 3;
// The guardian needs milliseconds to end a runner, more against a fork bomb.
constexpr int64_t kEndPatience = 20 * kNanosecondsPerSecond;
constexpr int64_t kTickInterval = 100 * kNanosecondsPerMillisecond;
constexpr int64_t kDefaultMemory = int64_t{8} << 30;

// Sanitizers reserve terabytes of addresses, so there only what is resident can be limited.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

}  // namespace

Supervisor::Supervisor(const Plan& plan, const EngineOptions& options, const EngineEvents& events,
                       Guardian guardian, const rlimit& runner_files)
    : plan_(plan),
      options_(options),
      events_(events),
      guardian_(std::move(guardian)),
      runner_files_(runner_files),
      services_{
          .poller = poller_,
          .launch = [this](const LaunchRequest& request) { return guardian_->Launch(request); },
          .end = [this](pid_t pid) { (void)guardian_->End(pid); },
          .debugger = FindProgram("gdb"),
          .patience = options.patience},
      schedule_(plan),
      slots_(static_cast<size_t>(std::max(options.jobs, 1))),
      names_(EntropySeed()) {}

EngineOutcome Supervisor::Run(int signals) {
  begin_ = SystemClock().Now();
  poller_.Watch(signals, [this, signals] { OnSignal(signals); });
  poller_.Watch(guardian_->fd(), [this] { OnGuardian(); });
  while (true) {
    if (!stopping_) Fill();
    if (Running() == 0 && (stopping_ || schedule_.empty())) break;
    poller_.Wait(NextDeadline());
    OnTime();
    Settle();
  }
  poller_.Forget(signals);
  EndEverything("the run is over");
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
      const std::optional<Attempt> attempt = schedule_.Next(Running());
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
  if (const auto threads = needs_process_.find(spec.key); threads != needs_process_.end()) {
    if (events_.note)
      events_.note(cell,
                   "isolation: process, since loading left threads running: " + threads->second);
    spec = SpecFor(planned, true, options_);
  }
  cells_of_key_[spec.key].push_back(cell);
  return specs_[cell] = std::move(spec);
}

void Supervisor::Begin(Slot& slot, const Attempt& attempt) {
  slot.attempt = attempt;
  const RunnerSpec& spec = SpecOf(attempt.cell);
  if (const auto refusal = refused_.find(spec.key); refusal != refused_.end()) {
    GiveUp(attempt.cell, refusal->second);
    return Release(slot);
  }
  slot.runner = FindIdle(spec.key);
  if (slot.runner != nullptr) return StartTrial(slot);
  EvictForOneMore();
  slot.runner = StartRunner(spec);
}

Runner* Supervisor::FindIdle(const std::string& key) {
  for (const auto& runner : runners_)
    if (runner->state == Runner::State::kIdle && runner->spec.key == key) return runner.get();
  return nullptr;
}

void Supervisor::EvictForOneMore() {
  Runner* oldest = nullptr;
  size_t count = 0;
  for (const auto& runner : runners_) {
    if (runner->state != Runner::State::kEnding) ++count;
    if (runner->state != Runner::State::kIdle) continue;
    if (oldest == nullptr || runner->last_used < oldest->last_used) oldest = runner.get();
  }
  if (oldest != nullptr && count >= slots_.size() * kRunnersPerJob) EndRunner(*oldest);
}

Runner* Supervisor::StartRunner(const RunnerSpec& spec) {
  runners_.push_back(std::make_unique<Runner>(spec));
  Runner& runner = *runners_.back();
  if (const Status launched = runner.Launch(*guardian_, options_.patience.load); !launched.ok()) {
    runner.broken = launched.error().message;
    guardian_lost_ = true;
    return &runner;
  }
  poller_.Watch(runner.channel.fd(), [this, &runner] { OnRunner(runner); });
  poller_.Watch(runner.log.fd(), [this, &runner] {
    if (!runner.log.Read()) poller_.Forget(runner.log.fd());
  });
  return &runner;
}

std::string Supervisor::NewAttemptName() {
  const uint64_t high = names_.Next();
  const uint64_t low = names_.Next();
  std::array<char, 40> text{};
  (void)std::snprintf(text.data(), text.size(),
                      "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-a%03" PRIx64 "-%012" PRIx64,
                      high >> 32, high >> 16 & 0xffff, high & 0xfff, low >> 52,
                      low & 0xffffffffffff);
  return text.data();
}

std::unique_ptr<Trial> Supervisor::NewTrial(const Attempt& attempt) {
  const PlannedCell& cell = plan_.cells[attempt.cell];
  const int64_t memory = cell.memory > 0 ? cell.memory : kDefaultMemory;
  const uint64_t seed = TrialSeed(plan_.seed, static_cast<uint64_t>(attempt.trial));
  const std::string folder = std::to_string(attempt.trial) + (attempt.retry ? ".retry" : "");
  return std::make_unique<Trial>(
      services_, cell,
      Trial::Setting{.attempt = attempt,
                     .name = NewAttemptName(),
                     .directory = options_.run_directory + "/trials/" + cell.id + "/" + folder,
                     .seed = seed,
                     .inputs = cell.inputs_per_trial ? seed : TrialSeed(plan_.seed, 0),
                     .memory = memory,
                     .address_space = kSanitized ? 0 : memory,
                     .record = options_.record});
}

void Supervisor::StartTrial(Slot& slot) {
  slot.runner->state = Runner::State::kBusy;
  slot.runner->last_used = ++uses_;
  const size_t cell = slot.attempt->cell;
  if (told_ready_.insert(cell).second && events_.ready)
    events_.ready(cell, slot.runner->environment);
  slot.trial = NewTrial(*slot.attempt);
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
  if (!received->has_value()) return BreakRunner(runner, "the runner closed its socket");
  OnPacket(runner, **received);
}

void Supervisor::OnPacket(Runner& runner, Packet& packet) {
  const std::string type = GetString(packet.message, "type");
  if (runner.state == Runner::State::kLoading && type == "ready") return OnReady(runner, packet);
  if (runner.state == Runner::State::kLoading && type == "refused")
    return OnRefused(runner, packet);
  Slot* slot = SlotOf(runner);
  const bool known = type == "started" || type == "ended";
  if (slot == nullptr || slot->trial == nullptr || !known)
    return BreakRunner(runner,
                       "broken protocol: a message of type '" + type + "' was not expected");
  const Status status =
      type == "started" ? slot->trial->OnStarted(packet) : slot->trial->OnEnded(packet);
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
  if (threads.empty() || runner.spec.isolated) return StartTrial(*slot);
  needs_process_[runner.spec.key] = Join(threads, ", ");
  EndRunner(runner);
  const Attempt attempt = *slot->attempt;
  Begin(*slot, attempt);
}

void Supervisor::OnRefused(Runner& runner, const Packet& packet) {
  const EngineEvents::Refusal refusal = {.reason = GetString(packet.message, "reason", "protocol"),
                                         .message = GetString(packet.message, "message"),
                                         .line = static_cast<int>(GetInt(packet.message, "line"))};
  refused_[runner.spec.key] = refusal;
  if (Slot* slot = SlotOf(runner); slot != nullptr) {
    GiveUp(slot->attempt->cell, refusal);
    Release(*slot);
  }
  EndRunner(runner);
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
  for (const auto& runner : runners_) {
    if (runner->token != report.token) continue;
    runner->pid = report.pid;
    if (runner->state == Runner::State::kEnding) services_.end(report.pid);
    return;
  }
  services_.end(report.pid);  // a debugger that came too late
}

void Supervisor::OnFailed(const GuardianReport& report) {
  for (const auto& runner : runners_) {
    if (runner->token != report.token) continue;
    const EngineEvents::Refusal refusal = {
        .reason = "start",
        .message = "cannot start " + runner->spec.argv[0] + ": " +
                   std::strerror(report.error)};  // NOLINT: one thread
    refused_[runner->spec.key] = refusal;
    if (Slot* slot = SlotOf(*runner); slot != nullptr) {
      GiveUp(slot->attempt->cell, refusal);
      Release(*slot);
    }
    return Forget(*runner);
  }
}

void Supervisor::OnExited(const GuardianReport& report) {
  for (const auto& runner : runners_) {
    if (runner->pid != report.pid) continue;
    Slot* slot = SlotOf(*runner);
    if (slot != nullptr) {
      if (slot->trial == nullptr) slot->trial = NewTrial(*slot->attempt);
      slot->trial->Vanish(runner->Describe(report.status), report.orphans);
      slot->runner = nullptr;
    }
    return Forget(*runner);
  }
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
  EndRunner(runner);
}

void Supervisor::EndRunner(Runner& runner) {
  if (runner.state == Runner::State::kEnding) return;
  runner.state = Runner::State::kEnding;
  runner.deadline = SystemClock().Now() + kEndPatience;
  poller_.Forget(runner.channel.fd());
  runner.channel.Close();
  if (runner.pid != 0) services_.end(runner.pid);
}

void Supervisor::Forget(Runner& runner) {
  if (runner.channel.valid()) poller_.Forget(runner.channel.fd());
  if (runner.log.open()) poller_.Forget(runner.log.fd());
  runner.channel.Close();
  runner.log.Close();
  const auto at = std::find_if(runners_.begin(), runners_.end(),
                               [&](const auto& other) { return other.get() == &runner; });
  gone_.push_back(std::move(*at));
  runners_.erase(at);
}

void Supervisor::Settle() {
  if (guardian_lost_) ReplaceGuardian();
  if (at_once_) EndEverything("interrupted");
  for (Slot& slot : slots_) {
    if (slot.trial == nullptr) continue;
    if (!slot.trial->broken().empty() && slot.runner != nullptr)
      BreakRunner(*slot.runner, slot.trial->broken());
    if (slot.trial->over()) FinishSlot(slot);
  }
  gone_.clear();
}

void Supervisor::FinishSlot(Slot& slot) {
  Result<FinishedTrial> finished = slot.trial->Finish();
  if (!finished.ok()) {
    FailInfrastructure(finished.error().message);
  } else if (!slot.trial->interrupted()) {
    CountBroken(slot);
    Keep(slot, *std::move(finished),
         slot.runner == nullptr ? Json::object() : slot.runner->environment);
  }
  Runner* runner = slot.runner;
  Release(slot);
  if (runner == nullptr || runner->state != Runner::State::kBusy) return;
  runner->state = Runner::State::kIdle;
  if (runner->spec.isolated || !schedule_.Pending(cells_of_key_[runner->spec.key]))
    EndRunner(*runner);
}

void Supervisor::CountBroken(const Slot& slot) {
  const size_t cell = slot.attempt->cell;
  if (!slot.trial->vanished()) {
    broken_in_a_row_.erase(cell);
    guardians_lost_in_a_row_ = 0;
    return;
  }
  if (++broken_in_a_row_[cell] < kBrokenInARow) return;
  GiveUp(cell, {.reason = "broken",
                .message = "three runners in a row broke; the last: " + slot.trial->broken()});
}

void Supervisor::Keep(Slot& slot, FinishedTrial finished, const Json& environment) {
  const Attempt attempt = *slot.attempt;
  const std::string directory = finished.directory;
  finished.environment = environment;
  const Judgement judgement = events_.judge ? events_.judge(finished) : Judgement::kPass;
  if (!attempt.retry) ++outcome_.executed;
  if (judgement == Judgement::kUnknown && !attempt.retry)
    schedule_.Repeat(attempt.cell, attempt.trial);
  if (judgement == Judgement::kFail && options_.fail_fast) stopping_ = true;
  const bool drop =
      options_.keep == "none" || (options_.keep == "failed" && judgement == Judgement::kPass);
  if (drop) (void)RemoveTree(directory);
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
    if (runner != nullptr) EndRunner(*runner);
  }
}

void Supervisor::FailInfrastructure(const std::string& reason) {
  if (outcome_.infrastructure.empty()) outcome_.infrastructure = reason;
  Stop();
}

// Nothing of the old one's is left when this returns; its trials vanished.
void Supervisor::ReplaceGuardian() {
  guardian_lost_ = false;
  EndEverything("the guardian process was ended");
  if (stopping_) return;
  Result<Guardian> next = Guardian::Start(runner_files_);
  if (!next.ok()) return FailInfrastructure(next.error().message);
  guardian_.emplace(*std::move(next));
  poller_.Watch(guardian_->fd(), [this] { OnGuardian(); });
  if (++guardians_lost_in_a_row_ >= kGuardiansLostInARow)
    FailInfrastructure("the guardian process was ended three times in a row");
}

void Supervisor::EndEverything(const std::string& reason) {
  if (guardian_->fd() >= 0) poller_.Forget(guardian_->fd());
  guardian_->Stop();
  for (Slot& slot : slots_) {
    if (!slot.attempt) continue;
    if (slot.trial == nullptr) slot.trial = NewTrial(*slot.attempt);
    if (slot.trial->over()) continue;
    slot.trial->Vanish(reason, Json::array());
    slot.runner = nullptr;
  }
  while (!runners_.empty()) Forget(*runners_.back());
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
  for (const Slot& slot : slots_)
    if (slot.trial != nullptr) next = std::min(next, slot.trial->deadline());
  for (const auto& runner : runners_)
    if (runner->state == Runner::State::kLoading || runner->state == Runner::State::kEnding)
      next = std::min(next, runner->deadline);
  return next;
}

void Supervisor::OnTime() {
  const int64_t now = SystemClock().Now();
  for (Slot& slot : slots_)
    if (slot.trial != nullptr && now >= slot.trial->deadline()) slot.trial->OnTime(now);
  for (const auto& runner : runners_) {
    if (now < runner->deadline) continue;
    if (runner->state == Runner::State::kLoading)
      BreakRunner(*runner, "the runner did not answer `load` within " +
                               FormatDuration(options_.patience.load));
    else if (runner->state == Runner::State::kEnding)
      guardian_lost_ = true;  // it does not do its work
  }
  if (!events_.tick || now < next_tick_) return;
  next_tick_ = now + kTickInterval;
  events_.tick();
}

}  // namespace trireme
