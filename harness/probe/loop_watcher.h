#ifndef TRIREME_HARNESS_PROBE_LOOP_WATCHER_H_
#define TRIREME_HARNESS_PROBE_LOOP_WATCHER_H_

namespace trireme {

// One thread a process, named trireme-watch, that looks at the loops again and again and records HOLD and USAGE for
// them. It takes no signal, holds no lock of the program's, and ends when the recording asks for nothing any more.

// Starts it unless it runs. False when that is not possible. REQUIRES: called where a thread may be made, which a
// signal handler is not.
bool StartWatcher();
// After fork: the parent's does not run here.
void ForgetWatcher();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_LOOP_WATCHER_H_
