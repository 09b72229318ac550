#include "harness/engine/signal_fault.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "harness/base/clock.h"

namespace trireme {
namespace {

// How often it looks for an event, a byte or a process that is not there yet.
constexpr int64_t kLookInterval = kNanosecondsPerMillisecond;

bool SendTo(const FaultTarget& target, int signal) {
  return ::syscall(SYS_pidfd_send_signal, target.pidfd.get(), signal, nullptr, 0) == 0;
}

Json ActionOfSignal(const ProcessFault& fault) {
  Json action = {{"signal", FaultSignalName(fault.signal)}};
  if (fault.duration)
    action["for"] =
        static_cast<double>(*fault.duration) / static_cast<double>(kNanosecondsPerSecond);
  return action;
}

}  // namespace

SignalFault::SignalFault(ProcessFault fault, const FaultSubject& subject, RecordFault record)
    : fault_(std::move(fault)),
      subject_(subject),
      record_(std::move(record)),
      step_(fault_.event || fault_.offset ? Step::kAwaiting : Step::kDue),
      deadline_(step_ == Step::kAwaiting ? subject.begin : subject.begin + fault_.after),
      watch_(subject.recording) {}

void SignalFault::OnTime(int64_t now) {
  if (now < deadline_) return;
  if (step_ == Step::kAwaiting) {
    deadline_ = now + kLookInterval;
    if (!MomentCame()) return;
    step_ = Step::kDue;
    deadline_ = now + fault_.after;
    if (fault_.after > 0) return;
  }
  if (step_ == Step::kDue) return Strike(now);
  if (step_ == Step::kStopped) Continue();
  deadline_ = kNever;
}

bool SignalFault::MomentCame() {
  if (fault_.offset) return watch_.HasMoved(fault_.offset->connection, fault_.offset->offset);
  const FaultEvent& event = *fault_.event;
  bool came = false;
  watch_.Look([&](const RecordingWatch::Seen& seen) {
    if (seen.key != event.name) return;
    if (seen.kind == EventKind::kInvoke) operations_.insert(seen.id);
    came = came || (event.kind == FaultEvent::Kind::kObserve && seen.kind == EventKind::kObserve);
  });
  return event.kind == FaultEvent::Kind::kObserve ? came : operations_.size() >= event.count;
}

void SignalFault::Strike(int64_t now) {
  bool hit = false;
  for (FaultTarget& target : FindTargets(subject_, fault_.target)) {
    // As of before: what the signal makes others do comes after it.
    const int64_t time = SystemClock().Now();
    if (!SendTo(target, fault_.signal)) continue;
    Record(target, time, false);
    hit = true;
    hit_own_ = hit_own_ || target.pid == subject_.process;
    if (fault_.signal == SIGSTOP) stopped_.push_back(std::move(target));
  }
  if (!hit) {
    deadline_ = now + kLookInterval;
    return;
  }
  step_ = stopped_.empty() ? Step::kOver : Step::kStopped;
  deadline_ = stopped_.empty() || !fault_.duration ? kNever : now + *fault_.duration;
}

void SignalFault::Continue() {
  for (const FaultTarget& target : std::exchange(stopped_, {})) {
    Record(target, SystemClock().Now(), true);
    SendTo(target, SIGCONT);
  }
  step_ = Step::kOver;
}

void SignalFault::Record(const FaultTarget& target, int64_t time, bool over) const {
  Json value = {{"do", ActionOfSignal(fault_)},
                {"target", fault_.target},
                {"process", target.pid},
                {"command", target.command}};
  if (over) value["over"] = true;
  record_(time, std::move(value));
}

void SignalFault::End() {
  Continue();
  deadline_ = kNever;
}

}  // namespace trireme
