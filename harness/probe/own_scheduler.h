#ifndef TRIREME_HARNESS_PROBE_OWN_SCHEDULER_H_
#define TRIREME_HARNESS_PROBE_OWN_SCHEDULER_H_

#include <stdint.h>

#include "harness/probe/waits.h"

namespace trireme {

// Green threads that a program switches itself, without a hub of Eventlet's or gevent's. Which of them is the scheduler is
// known only from what it does: it sleeps in an epoll set, or in poll() or select() for what another task of its thread was
// told EAGAIN. As a hub is, it is no task: what it reads it reads for the others. That holds until another one does so, for a
// task may sleep in a call of its own, too. Until one did, the thread is no loop that could be held: greenlets are used as
// generators as well.
//
// Thread safety: of the calling thread alone.

// This thread runs `task` from now on; 0: none.
void SwitchWithoutHub(uint32_t task);
// A hub tells of this thread's switches.
void LeaveToHub();

// Before a call that may sleep in an epoll set.
void NoteSleepInSet();
// The same of one that may sleep in poll() or select(), for each descriptor and direction, until true: it is the scheduler.
bool NoteSleepFor(int fd, Direction direction);
// Whether the thread runs such a task, so that those two are worth calling.
bool RunsWithoutHub();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_OWN_SCHEDULER_H_
