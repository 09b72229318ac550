#include "harness/engine/signal_fault.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "harness/base/clock.h"

namespace trireme {
namespace {

// How often it looks for an event, a byte or a process that is not there yet.
constexpr int64_t kLookInterval = kNanosecondsPerMillisecond;

bool SendTo(const FaultTarget& target, int signal) {
  return ::syscall(SYS_pidfd_send_signal, target.pidfd.get(), signal, nullptr, 0) == 0;
}

struct Aim {
  FaultTarget target;
  SignalResponse response = SignalResponse::kDefault;
  std::optional<StartedProgram> program;  // to be started again
  std::string problem;                    // why it cannot be; "": it can, or need not
};

// Of one that is to be started again. The fork of another that is struck is for that one to make again.
std::string WhyNotStartedAgain(const FaultTarget& target, const std::set<pid_t>& struck) {
  if (target.own) return "the workload's own process is not started again: its end is the trial's";
  if (!IsForkOf(target.pid, target.parent) || struck.contains(target.parent)) return "";
  return "a fork is not started again: it has no program of its own";
}

// All as of before the first of them is struck: a handler may put the default back, and the end of
// one may take others with it.
std::vector<Aim> AimAt(std::vector<FaultTarget> targets, const ProcessFault& fault) {
  std::set<pid_t> struck;
  for (const FaultTarget& target : targets) struck.insert(target.pid);
  std::vector<Aim> aims;
  for (FaultTarget& target : targets) {
    Aim aim;
    aim.response = ResponseTo(target.pid, fault.signal);
    if (fault.restart) aim.problem = WhyNotStartedAgain(target, struck);
    if (fault.restart && !target.own && !IsForkOf(target.pid, target.parent))
      aim.program = ReadStartedProgram(target.pid, target.pidfd.get());
    aim.target = std::move(target);
    aims.push_back(std::move(aim));
  }
  return aims;
}

// One that the end of another which was struck just before has already taken with it was struck,
// too: else it would be for the scheduler to say how many were.
bool Reaches(const FaultTarget& target, int signal, bool after_another) {
  return SendTo(target, signal) || (after_another && errno == ESRCH);
}

Json ActionOfSignal(const ProcessFault& fault) {
  Json action = {{"signal", FaultSignalName(fault.signal)}};
  if (fault.duration)
    action["for"] =
        static_cast<double>(*fault.duration) / static_cast<double>(kNanosecondsPerSecond);
  if (fault.restart)
    action["restart"] =
        static_cast<double>(*fault.restart) / static_cast<double>(kNanosecondsPerSecond);
  return action;
}

}  // namespace

SignalFault::SignalFault(ProcessFault fault, uint32_t number, const FaultSubject& subject,
                         std::shared_ptr<StoppedProcesses> stops, RecordFault record)
    : fault_(std::move(fault)),
      number_(number),
      subject_(subject),
      stops_(std::move(stops)),
      record_(std::move(record)),
      step_(fault_.event || fault_.offset ? Step::kAwaiting : Step::kDue),
      deadline_(step_ == Step::kAwaiting ? subject.begin : subject.begin + fault_.after),
      watch_(subject.recording) {}

void SignalFault::OnTime(int64_t now) {
  if (now < deadline_) return;
  if (step_ == Step::kAwaiting) {
    deadline_ = now + kLookInterval;
    if (!watch_.HasCome(number_)) return;
    step_ = Step::kDue;
    deadline_ = now + fault_.after;
    if (fault_.after > 0) return LetPass();
  }
  if (step_ == Step::kDue || step_ == Step::kSeeking) {
    Strike(now);
    // What it has killed or stopped itself must not get to see that it may go on, before the signal has its effect.
    if (!hit_own_ || (fault_.signal != SIGKILL && fault_.signal != SIGSTOP)) LetPass();
    return;
  }
  if (step_ == Step::kEnding) return AwaitEnds(now);
  deadline_ = kNever;
  if (step_ == Step::kStopped) Continue();
  if (step_ == Step::kEnded) RestartAll();
}

// What it looks for again and again it looks for at once: a workload may wait for that.
void SignalFault::Postpone(int64_t nanoseconds) {
  const bool looks =
      step_ == Step::kAwaiting || step_ == Step::kSeeking || step_ == Step::kEnding;
  if (!looks && deadline_ != kNever) deadline_ += nanoseconds;
}

void SignalFault::LetPass() {
  if (fault_.event || fault_.offset) watch_.LetPass();
}

void SignalFault::Strike(int64_t now) {
  bool hit = false;
  for (Aim& aim : AimAt(FindTargets(subject_, fault_.target), fault_)) {
    FaultTarget& target = aim.target;
    // As of before: what the signal makes others do comes after it.
    const int64_t time = SystemClock().Now();
    if (!Reaches(target, fault_.signal, hit)) continue;
    Record(target, time, {.response = aim.response, .problem = aim.problem});
    hit = true;
    hit_own_ = hit_own_ || target.own;
    may_end_own_ = may_end_own_ || (target.own && aim.response != SignalResponse::kIgnores);
    if (fault_.signal == SIGSTOP) {
      ++stops_->faults_of[target.pid];
      stopped_.push_back(std::move(target));
    } else if (aim.program) {
      restarts_.push_back({std::move(target), *std::move(aim.program)});
    }
  }
  if (!hit) {
    step_ = Step::kSeeking;
    deadline_ = now + kLookInterval;
    return;
  }
  step_ = !stopped_.empty() ? Step::kStopped : restarts_.empty() ? Step::kOver : Step::kEnding;
  deadline_ = kNever;
  // Counted from now, for to find and stop many takes a while.
  if (step_ == Step::kStopped && fault_.duration)
    deadline_ = SystemClock().Now() + *fault_.duration;
  if (step_ == Step::kEnding) deadline_ = now + kLookInterval;
}

// Until all have ended: a program may need some time for that.
void SignalFault::AwaitEnds(int64_t now) {
  deadline_ = now + kLookInterval;
  for (const Restart& restart : restarts_) {
    pollfd ended = {.fd = restart.target.pidfd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ended, 1, 0) == 0) return;
  }
  step_ = Step::kEnded;
  deadline_ = now + *fault_.restart;
}

void SignalFault::RestartAll() {
  step_ = Step::kOver;
  for (Restart& restart : restarts_) {
    restart.program.request.output = restart.program.output.get();
    restart.program.request.errors = restart.program.errors.get();
    const Result<uint64_t> token = subject_.launch(restart.program.request);
    if (!token.ok()) continue;
    restart.token = *token;
    Record(restart.target, SystemClock().Now(), {.over = true});
  }
}

bool SignalFault::OnReport(const GuardianReport& report) {
  for (Restart& restart : restarts_) {
    const bool exited = report.kind == GuardianReport::Kind::kExited;
    if (exited ? restart.pid == 0 || report.pid != restart.pid
               : restart.token == 0 || report.token != restart.token)
      continue;
    restart.pid = exited ? 0 : report.pid;
    return true;
  }
  return false;
}

void SignalFault::Continue() {
  for (const FaultTarget& target : std::exchange(stopped_, {})) {
    Record(target, SystemClock().Now(), {.over = true});
    LetPass();
    if (--stops_->faults_of[target.pid] == 0) SendTo(target, SIGCONT);
  }
  step_ = Step::kOver;
}

void SignalFault::Record(const FaultTarget& target, int64_t time, const Told& told) const {
  Json value = {{"do", ActionOfSignal(fault_)},
                {"target", fault_.target},
                {"process", target.pid},
                {"command", target.command}};
  if (target.own && fault_.target != "runner") value["own"] = true;
  if (told.over) value["over"] = true;
  if (told.response == SignalResponse::kHandles) value["handled"] = true;
  if (told.response == SignalResponse::kIgnores) value["ignored"] = true;
  if (!told.problem.empty()) value["failed"] = {told.problem};
  record_(time, std::move(value));
}

void SignalFault::End() {
  Continue();
  LetPass();
  deadline_ = kNever;
  for (const Restart& restart : restarts_)
    if (restart.pid != 0) subject_.end(restart.pid);
  restarts_.clear();
}

}  // namespace trireme
