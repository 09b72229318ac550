#ifndef TRIREME_HARNESS_CHECK_STRANGERS_H_
#define TRIREME_HARNESS_CHECK_STRANGERS_H_

#include <string>

#include "harness/check/trial_view.h"

namespace trireme {

// Ports are the machine's. One that a program gave back is the next listener's: another trial's client
// that tries once more then comes to this trial, or this trial's to another, and what either does is not
// its workload's any more.
//
// "a process outside of the trial connected to 127.0.0.1:45830 (4 times)"; "" where the CONNECTION events
// show nobody from outside. A process of the trial that runs without the probe is `unwatched` there, and none; where the probe
// could not tell (it has closed its end already, or left the trial's processes) it looks the same, but comes again when
// the trial is repeated.
std::string StrangersInWords(const TrialView& view);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_STRANGERS_H_
