#ifndef TRIREME_HARNESS_CHECK_MIXED_ARM_CHECKER_H_
#define TRIREME_HARNESS_CHECK_MIXED_ARM_CHECKER_H_

#include <string>
#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Whether a command ran on what its arm says. Unknown, with a finding, when a hub ran or the
// standard library was patched in an arm that should have neither, or when a green arm was not
// patched or ran on another hub than its own; unknown without one when no Python of the arm's
// environment said what it was, or when pytest ran no test. Never a failure: such a trial says
// nothing of the code under test, but for the tests that ran on what the arm says beside those that did not.
//
// That Eventlet was merely imported is no mixed arm: it changes nothing until a hub runs.
// Workloads that are no command pass.
class MixedArmChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "mixed-arm"; }
  std::string_view Summary() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

inline constexpr std::string_view kTestOperation = "test";  // an operation of a command's suite; its value: which

inline constexpr std::string_view kMixedArm = "mixed-arm";  // the kind of its findings

// The tests that ran on what the trial's arm is not, by its findings; none where the whole trial did, or nothing of it.
std::vector<std::string> TestsOnAHub(const TrialView& view, const std::vector<Finding>& findings);

// Whether the workload of this cell of plan.json is a command.
bool IsCommand(const Json& cell);

// Why the command never began its work, "" when it did, or when nothing says so: its program ended
// where it was imported, or no test of its suite ran. On every arm that is no agreement.
std::string WhyNotStarted(const TrialView& view);

// What the command's Python processes measured of themselves, for the cell's `environment`:
// patched, hub, hub_ran, gil, versions, imported, import_chain, executable, processes. Empty when
// none of them told.
Json CommandEnvironment(const TrialView& view);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_MIXED_ARM_CHECKER_H_
