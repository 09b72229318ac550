#ifndef TRIREME_HARNESS_CHECK_ENDED_BY_FAULT_H_
#define TRIREME_HARNESS_CHECK_ENDED_BY_FAULT_H_

#include <cstdint>
#include <string>

#include "harness/check/trial_view.h"

namespace trireme {

// Whether a process fault of the plan ended the trial's process, or its command: then that is no crash, and nothing says
// what the program would have done after it. A signal that the program ignored ended nothing; one that it handled is taken
// for the cause of a death by it, as programs restore the default and raise it again, until the program went on: until a task
// got done an operation that it began after the signal, and began another.
bool EndedByFault(const TrialView& view);
// Where it was not, though the plan had sent the signal that the process died of: what became of that; else "".
std::string WhyNotEndedByFault(const TrialView& view);
// How a command ended, as its runner observes it: below 0, by that signal; 0 where it is not known, or the workload is no
// command, too.
int64_t StatusOfCommand(const TrialView& view);
// The signal that ended a command, which its runner observes and outlives; 0: none did, or the workload is no command.
int64_t SignalOfCommand(const TrialView& view);
// The same as EndedByFault, at an event of the workload or a byte of a connection, and no time later: how far it had come then
// is not a matter of its speed.
bool EndedAtAPoint(const TrialView& view);
inline constexpr const char* kEndedByFault = "a fault of the plan ended the process";

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_ENDED_BY_FAULT_H_
