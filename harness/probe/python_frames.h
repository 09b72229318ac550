#ifndef TRIREME_HARNESS_PROBE_PYTHON_FRAMES_H_
#define TRIREME_HARNESS_PROBE_PYTHON_FRAMES_H_

#include <stdint.h>

#include "harness/probe/hold_stack.h"

namespace trireme {

// The Python frames of another thread. REQUIRES of all but the first four: one caller at a time.

// This process is CPython. Called by it.
void NotePython();
// A trial begins, whose workload lies below sys.path[0]. REQUIRES: the caller holds the interpreter.
void NoteWorkloadFolder();
// The calling thread's PyThreadState; null where it has none, or its frames cannot be read from another thread.
void* PythonThread();
// The interpreter tears itself down after the last line and the last exit handler of the program: no loop of it goes on.
bool PythonEnds();

// Starts the thread that asks, where this is CPython.
void StartAskingPython();
// Asks for the frames of a step: 0 where nobody can be asked, as an earlier one still waits.
uint64_t AskForFrames(const LoopStep& step);
bool FramesHaveCome(uint64_t ask);
// What has come. False: that step was over by then, and `stack` has what came all the same.
bool TakeFrames(uint64_t ask, HoldStack* stack);

// The frames read in a copy of this process, without the interpreter. False: they cannot be.
bool CopyFrames(const LoopStep& step, HoldStack* stack);

// After fork.
void ForgetFrames();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_PYTHON_FRAMES_H_
