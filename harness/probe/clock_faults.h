#ifndef TRIREME_HARNESS_PROBE_CLOCK_FAULTS_H_
#define TRIREME_HARNESS_PROBE_CLOCK_FAULTS_H_

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#include "harness/probe/probe_abi.h"

namespace trireme {

// Clocks and timers as the faults of the trial's plan make them, see trireme_clock_fault. Safe in any thread, signal handler and
// forked child. Without such a fault each of these is a load and a branch.

// The clock itself, which no fault moves: what the probe uses.
int TrueClock(clockid_t clock, timespec* time);

// Whether the plan has such faults. The first call in a process that shall record, but has not yet, looks into its recording.
bool HasClockFaults();

// What a read of `clock` that gave `time` shows instead.
void ShowClock(clockid_t clock, timespec* time);

// A time by an unknown clock is one since the machine started when it is before 2001, else one since 1970.
constexpr clockid_t kUnknownClock = -1;
// When by the true clock the shown one reaches `shown`, the jumps that are still to come among it, and as much later as timers
// are: in `place`, or `shown` itself where there is no difference.
const timespec* TrueDeadline(clockid_t clock, const timespec* shown, timespec* place);

// The time limit of a wait, or the length of a sleep: until as much has passed by the shown monotonic clock, and as much later as
// timers are. None and 0 stay what they are.
int LaterTimeout(int milliseconds);
const timespec* LaterTimeout(const timespec* timeout, timespec* place);
timeval* LaterTimeout(timeval* timeout, timeval* place);

// Lives for as long as a call waits: then tells which clocks jumped, or changed their speed, meanwhile. Who waits need not
// look at them afterwards, and went through it all the same.
class WaitThroughChanges {
 public:
  WaitThroughChanges() : begin_(HasClockFaults() ? Begin() : 0) {}
  ~WaitThroughChanges() {
    if (begin_ != 0) [[unlikely]]
      Tell();
  }
  WaitThroughChanges(const WaitThroughChanges&) = delete;
  WaitThroughChanges& operator=(const WaitThroughChanges&) = delete;

 private:
  static uint64_t Begin();
  void Tell() const;

  uint64_t begin_;  // since the trial's, at least 1; 0: no clock changes
};

// The recording is another one now: its header, or null for none.
void UseClockFaults(trireme_header* header);
// There will be a recording, which has not been opened yet.
void ExpectClockFaults();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_CLOCK_FAULTS_H_
