#ifndef TRIREME_HARNESS_CLI_WATCH_TAKE_BACK_H_
#define TRIREME_HARNESS_CLI_WATCH_TAKE_BACK_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/history/writer.h"

namespace trireme {

struct KilledInjector {
  pid_t process = 0;  // that did the faults, and is gone
  pid_t program = 0;  // to which it did them
  const FaultPlan& plan;
  const std::string& recording;
};

// In the place of a process of faults that was killed (it ran out of memory, say): lets the program's processes go on that it
// stopped, and those that wait for it at a byte, and gives back what it limited. From the recording's journal, which does not
// say what a process had before: it gets what we have, as it did when it was started. The events that say so.
std::vector<NewEvent> TakeBack(const KilledInjector& killed);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCH_TAKE_BACK_H_
