#include "harness/check/fault_effect.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "harness/check/applied_faults.h"
#include "harness/check/ended_by_fault.h"
#include "harness/check/observations.h"
#include "harness/check/processor_use.h"

namespace trireme {
namespace {

// These cut or delay what moves; no program is meant to notice.
constexpr std::array<const char*, 5> kSilentActions = {"short", "interrupt", "spurious",
                                                       "duplicate", "reorder"};

bool IsSilent(const AppliedFault& fault) {
  return std::any_of(kSilentActions.begin(), kSilentActions.end(), [&](const char* action) {
    return !GetMember(fault.action, action).is_null();
  });
}

bool EndedBadly(const Operation& operation) {
  return operation.state == OperationState::kFail || operation.state == OperationState::kInfo;
}

// What a trial did, in the order in which it is looked for.
class Reactions {
 public:
  explicit Reactions(const TrialView& view) {
    for (const Operation& operation : view.operations) {
      by_task_[operation.task].push_back(&operation);
      if (operation.state == OperationState::kOk) {
        acknowledged_.push_back(operation.end);
        Raise(last_success_[operation.name], operation.begin);
      }
      if (!EndedBadly(operation)) continue;
      failures_.push_back(operation.end);
      Raise(last_try_[operation.name], operation.begin);
    }
    std::sort(acknowledged_.begin(), acknowledged_.end());
    std::sort(failures_.begin(), failures_.end());
    for (const Event& event : view.history->events()) {
      if (event.task != 0 && IsReaction(event)) events_[event.task].push_back(event.time);
      FollowWaits(event);
    }
  }

  // When the task of the fault, or without one anybody, met with it; -1: never.
  int64_t NoticeOf(const AppliedFault& fault) const {
    const auto waiting = waiting_.find(fault.time);
    const uint32_t task = waiting == waiting_.end() ? fault.task : waiting->second;
    if (task == 0) return FirstAfter(failures_, fault.time);
    if (const int64_t end = EndOfOpen(task, fault.time); end >= 0) return end;
    const auto found = events_.find(task);
    return found == events_.end() ? -1 : FirstAfter(found->second, fault.time);
  }
  int64_t AcknowledgedAfter(int64_t time) const { return FirstAfter(acknowledged_, time); }
  bool AnyAcknowledged() const { return !acknowledged_.empty(); }
  // Something worked until a fault, and was tried again after it: in vain, and nothing else worked either. While a fault of one
  // connection lasts, such as a stall, others work: that the same was begun after it, and done, is enough.
  bool WorkedOnlyBefore(const std::vector<AppliedFault>& faults) const {
    if (acknowledged_.empty()) return false;
    const int64_t last = acknowledged_.back();
    return std::any_of(faults.begin(), faults.end(), [&](const AppliedFault& fault) {
      return fault.end > last && WasTriedInVain(fault, last);
    });
  }
  int64_t FailedAfter(int64_t time) const {
    return failures_.end() - std::lower_bound(failures_.begin(), failures_.end(), time);
  }

 private:
  static void Raise(int64_t& latest, int64_t time) { latest = std::max(latest, time); }

  // `last`: when the last operation was acknowledged.
  bool WasTriedInVain(const AppliedFault& fault, int64_t last) const {
    return std::any_of(last_try_.begin(), last_try_.end(), [&](const auto& tried) {
      const auto worked = last_success_.find(tried.first);
      const bool elsewhere = !fault.connection.empty() && worked != last_success_.end() &&
                             worked->second > fault.time;
      return tried.second > std::max(last, fault.time) && !elsewhere;
    });
  }

  // A task that begins to wait is still in the call that the fault hit.
  static bool IsReaction(const Event& event) {
    return event.kind != EventKind::kFault && event.kind != EventKind::kWire &&
           event.kind != EventKind::kSwitch && event.kind != EventKind::kWait &&
           event.kind != EventKind::kDeadline;
  }

  static std::string WaitFor(const std::string& call) {
    if (call == "read") return "recv";
    return call == "write" ? "send" : call;
  }

  // What a loop calls for its tasks is no task's: it is the one's that waits for such a call, where that is one.
  void FollowWaits(const Event& event) {
    if (event.kind == EventKind::kWait) waits_[std::string(event.key)].insert(event.task);
    if (event.kind == EventKind::kWake) waits_[std::string(event.key)].erase(event.task);
    if (event.kind != EventKind::kFault || event.task != 0) return;
    const auto found = waits_.find(WaitFor(GetString(event.Value(), "call")));
    if (found != waits_.end() && found->second.size() == 1)
      waiting_[event.time] = *found->second.begin();
  }

  static int64_t FirstAfter(const std::vector<int64_t>& times, int64_t time) {
    const auto next = std::upper_bound(times.begin(), times.end(), time);
    return next == times.end() ? -1 : *next;
  }

  // The innermost operation that was open in its task; -1 where there was none, or it never ended.
  int64_t EndOfOpen(uint32_t task, int64_t at) const {
    constexpr int kDeepest = 16;
    const auto found = by_task_.find(task);
    if (found == by_task_.end()) return -1;
    const auto& operations = found->second;
    auto next = std::upper_bound(
        operations.begin(), operations.end(), at,
        [](int64_t time, const Operation* operation) { return time < operation->begin; });
    for (int depth = 0; depth < kDeepest && next != operations.begin(); ++depth) {
      const Operation& operation = **--next;
      if (operation.end >= at) return operation.state == OperationState::kOpen ? -1 : operation.end;
    }
    return -1;
  }

  std::map<uint32_t, std::vector<const Operation*>> by_task_;  // by their begin
  std::map<uint32_t, std::vector<int64_t>> events_;
  std::vector<int64_t> acknowledged_, failures_;
  std::map<std::string, int64_t> last_try_;          // the latest begin of one that failed, by name
  std::map<std::string, int64_t> last_success_;      // and of one that was acknowledged
  std::map<std::string, std::set<uint32_t>> waits_;  // the tasks that wait, by what for
  std::map<int64_t, uint32_t>
      waiting_;  // by the time of a fault that hit no task: who waited for it
};

int64_t CountDuplicates(const TrialView& view) {
  std::set<std::pair<std::string, std::string>> seen;
  int64_t duplicates = 0;
  for (const Operation& operation : view.operations) {
    if (operation.state != OperationState::kOk || operation.value.is_null()) continue;
    duplicates += seen.emplace(operation.name, ValueText(operation.value)).second ? 0 : 1;
  }
  return duplicates;
}

void Measure(const TrialView& view, const std::vector<AppliedFault>& faults, TrialEffect& trial) {
  const Reactions reactions(view);
  trial.failed = reactions.FailedAfter(faults.front().time);
  trial.duplicates = CountDuplicates(view);
  trial.acknowledged = reactions.AnyAcknowledged();
  trial.only_before = reactions.WorkedOnlyBefore(faults);
  int64_t until = faults.front().time;
  for (const AppliedFault& fault : faults) {
    until = std::max(until, fault.end);
    if (IsSilent(fault)) continue;
    if (const int64_t notice = reactions.NoticeOf(fault); notice >= 0)
      trial.notices.push_back(notice - fault.time);
    const int64_t next = reactions.AcknowledgedAfter(fault.end);
    if (trial.failed > 0 && next >= 0)
      trial.recovery = std::max(trial.recovery, next - fault.end), until = std::max(until, next);
  }
  // What does not end by itself does not recover, nor does what worked no more.
  if (view.exit.how == "timeout") until = std::max(until, view.exit.timeout);
  if (trial.only_before && view.end != nullptr) until = std::max(until, view.end->time);
  trial.cpu_seconds = ProcessorUse(view).Between(faults.front().time, until);
}

std::optional<double> NumberIn(const std::string& text) {
  const Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_number() ? std::optional<double>(value.get<double>()) : std::nullopt;
}

// Whether of a difference in numbers all that the reference never showed are greater than all that it did.
bool IsOnlyMore(const Json& evidence) {
  const Json& here = GetMember(evidence, "here");
  const Json& there = GetMember(evidence, "there");
  if (!here.is_object() || !there.is_object() || there.empty()) return false;
  double most = -std::numeric_limits<double>::infinity();
  for (const auto& [text, count] : there.items()) {
    const std::optional<double> number = NumberIn(text);
    if (!number) return false;
    most = std::max(most, *number);
  }
  return std::all_of(here.items().begin(), here.items().end(), [&](const auto& value) {
    if (there.contains(value.key())) return true;
    const std::optional<double> number = NumberIn(value.key());
    return number && *number > most;
  });
}

}  // namespace

std::string_view FaultEffectName(FaultEffect effect) {
  static constexpr std::array<std::string_view, kFaultEffects> kNames = {
      "not reached", "survived",  "recovered", "unknown", "failed",
      "wrong error", "more data", "lost data", "hung",    "crashed"};
  return kNames.at(static_cast<size_t>(effect));
}

FaultEffect EffectOf(const Finding& finding) {
  if (finding.advisory) return FaultEffect::kSurvived;
  const std::string& kind = finding.kind;
  const std::string rule = GetString(finding.evidence, "rule");
  const std::string key = GetString(finding.evidence, "key");
  if (kind == "crash") return FaultEffect::kCrashed;
  if (kind == "hang" || kind == "deadlock" || (kind == "invariant" && rule == "progress"))
    return FaultEffect::kHung;
  if (kind == "lost-update" || kind == "not-linearizable" || kind == "effect" ||
      (kind == "invariant" && (rule == "acknowledged" || rule == "bytes")))
    return FaultEffect::kLostData;
  if (kind == "unhandled-exception" || (kind == "difference" && key.starts_with("(exception")))
    return FaultEffect::kWrongError;
  if (kind == "difference" && key != "(fault log)")
    return IsOnlyMore(finding.evidence) ? FaultEffect::kMoreData : FaultEffect::kLostData;
  return FaultEffect::kFailed;
}

TrialEffect EffectOnTrial(const TrialView& view, Verdict verdict, const std::string& reason,
                          const std::vector<Finding>& findings, bool not_exercised) {
  TrialEffect trial;
  const std::vector<AppliedFault> faults = AppliedFaults(view);
  if (!faults.empty()) {
    trial.effect = FaultEffect::kSurvived;
    Measure(view, faults, trial);
    if (trial.recovery >= 0) trial.effect = FaultEffect::kRecovered;
  }
  const auto raise = [&](FaultEffect effect, const std::string& why) {
    if (effect <= trial.effect) return;
    trial.effect = effect;
    trial.reason = why;
  };
  if (verdict == Verdict::kUnknown && !(not_exercised && faults.empty()))
    raise(FaultEffect::kUnknown, reason);
  if (EndedByFault(view))
    raise(FaultEffect::kUnknown, "the plan itself ended the process, and nothing ran after it");
  // Where nothing ever worked nothing survived, and a reference that did no better does not change that. But whoever was told
  // to stop did so.
  const bool only_stopped = std::all_of(faults.begin(), faults.end(),
                                        [](const AppliedFault& fault) { return fault.point != 0; });
  const bool worked = only_stopped || trial.failed == 0 || trial.acknowledged;
  if (trial.effect == FaultEffect::kSurvived && !worked)
    raise(FaultEffect::kFailed, "no operation of the trial was ever acknowledged");
  // An earlier fault may have been recovered from; this one was not.
  if (trial.effect <= FaultEffect::kRecovered && trial.only_before && !only_stopped)
    raise(FaultEffect::kFailed, "no operation was acknowledged after the fault");
  // A program that knows nothing of operations says by its status alone whether it got done what it was to do.
  const int64_t status = StatusOfCommand(view);
  if (!faults.empty() && trial.effect <= FaultEffect::kRecovered && status > 0)
    raise(FaultEffect::kFailed, "the program ended with exit status " + std::to_string(status));
  for (const Finding& finding : findings) {
    const FaultEffect effect = EffectOf(finding);
    if (effect > FaultEffect::kSurvived) raise(effect, finding.message);
  }
  return trial;
}

}  // namespace trireme
