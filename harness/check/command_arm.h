#ifndef TRIREME_HARNESS_CHECK_COMMAND_ARM_H_
#define TRIREME_HARNESS_CHECK_COMMAND_ARM_H_

#include "harness/base/json.h"
#include "harness/check/checker.h"

namespace trireme {

// What a command's arm really was is measured, not assumed: each Python process of its interpreter
// says at its end whether Eventlet was imported and by whom, patched, and whether a hub ran.

// Unknown for a command that started no Python of its interpreter, ran on a hub where none should
// run ("mixed arm", with the tests and the import chain), or was not patched where it should be.
// Passes a cell that is no command.
CheckResult JudgeArm(const TrialView& view);

// {patched, hub, gil, versions} as the newest such process said; null when none did, or the cell is
// no command.
Json MeasuredEnvironment(const TrialView& view);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_COMMAND_ARM_H_
