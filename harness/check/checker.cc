#include "harness/check/checker.h"

#include <array>
#include <exception>
#include <utility>

#include "harness/check/blocked_loop_checker.h"
#include "harness/check/crash_checker.h"
#include "harness/check/deadline_checker.h"
#include "harness/check/deadlock_checker.h"
#include "harness/check/gil_checker.h"
#include "harness/check/hub_spin_checker.h"
#include "harness/check/invariant_checker.h"
#include "harness/check/leak_checker.h"
#include "harness/check/lock_order_checker.h"
#include "harness/check/lost_update_checker.h"
#include "harness/check/meeting_checker.h"
#include "harness/check/mixed_arm_checker.h"
#include "harness/check/overlap_checker.h"
#include "harness/check/progress_checker.h"
#include "harness/check/starvation_checker.h"
#include "harness/check/unbounded_growth_checker.h"
#include "harness/check/unhandled_exception_checker.h"

namespace trireme {

std::span<const TrialChecker* const> TrialCheckers() {
  static const CrashChecker crash;
  static const ProgressChecker progress;
  static const MixedArmChecker mixed_arm;
  static const GilChecker gil;
  static const UnhandledExceptionChecker unhandled_exception;
  static const LeakChecker leak;
  static const OverlapChecker overlap;
  static const LostUpdateChecker lost_update;
  static const DeadlineChecker deadline;
  static const MultipleReadersChecker multiple_readers;
  static const MultipleWritersChecker multiple_writers;
  static const DeadlockChecker deadlock;
  static const LockOrderChecker lock_order;
  static const StarvationChecker starvation;
  static const UnboundedGrowthChecker unbounded_growth;
  static const BlockedLoopChecker blocked_loop;
  static const HubSpinChecker hub_spin;
  static const InvariantChecker invariant;
  static const auto all = std::to_array<const TrialChecker*>(
      {&crash, &progress, &mixed_arm, &gil, &unhandled_exception, &leak, &overlap, &lost_update,
       &deadline, &multiple_readers, &multiple_writers, &deadlock, &lock_order, &starvation,
       &unbounded_growth, &blocked_loop, &hub_spin, &invariant});
  return all;
}

const TrialChecker* FindTrialChecker(std::string_view name) {
  for (const TrialChecker* checker : TrialCheckers()) {
    if (checker->Name() == name) return checker;
  }
  return nullptr;
}

std::vector<CheckDescription> DescribeChecks() {
  std::vector<CheckDescription> all = {
      {.name = "equivalence",
       .summary = "the cell's observations, outcomes and exceptions are those of its reference",
       .arguments = {},
       .by_default = true,
       .always = false}};
  for (const TrialChecker* checker : TrialCheckers()) {
    const std::string_view name = checker->Name();
    const bool always =
        name == "crash" || name == "progress" || name == "mixed-arm" || name == "gil-enabled";
    all.push_back({.name = std::string(name),
                   .summary = std::string(checker->Summary()),
                   .arguments = checker->Arguments(),
                   .by_default = name == "progress" || name == "unhandled-exception" ||
                                 name == "leak" || name == "multiple-readers" ||
                                 name == "multiple-writers",
                   .always = always});
  }
  return all;
}

std::vector<std::string> FindingKinds() {
  return {"difference",
          "hang",
          "crash",
          "leak",
          "unhandled-exception",
          "overlap",
          "lost-update",
          "deadline",
          "deadlock",
          "lock-order",
          "starvation",
          "unbounded-growth",
          "mixed-arm",
          "gil-enabled",
          "nondeterministic",
          "multiple-readers",
          "multiple-writers",
          "shared-token",
          "shared-listener",
          "potential",
          "blocked-loop",
          "hub-spin",
          "invariant"};
}

RecordingNeeds NeedsOf(const Json& checks) {
  RecordingNeeds all;
  const auto lower = [](int64_t& least, int64_t wanted) {
    if (wanted > 0 && (least == 0 || wanted < least)) least = wanted;
  };
  if (!checks.is_array()) return all;
  for (const Json& choice : checks) {
    const TrialChecker* checker = FindTrialChecker(GetString(choice, "name"));
    if (checker == nullptr) continue;
    const RecordingNeeds needs = checker->Needs(GetMember(choice, "arguments"));
    lower(all.hold_threshold, needs.hold_threshold);
    lower(all.usage_interval, needs.usage_interval);
    all.wire = all.wire || needs.wire;
  }
  return all;
}

CheckResult RunChecker(const TrialChecker& checker, const TrialView& view, const Json& arguments) {
  try {
    return checker.Check(view, arguments);
  } catch (const std::exception& error) {
    return Unknown("the check " + std::string(checker.Name()) + " broke: " + error.what());
  }
}

CheckResult Unknown(std::string reason) {
  CheckResult result;
  result.verdict = Verdict::kUnknown;
  result.reason = std::move(reason);
  return result;
}

CheckResult NotExercised(std::string reason) {
  CheckResult result = Unknown(std::move(reason));
  result.not_exercised = true;
  return result;
}

CheckResult Failed(Finding finding) {
  CheckResult result;
  result.verdict = Verdict::kFail;
  result.reason = finding.message;
  result.findings.push_back(std::move(finding));
  return result;
}

}  // namespace trireme
