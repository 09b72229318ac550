#ifndef TRIREME_HARNESS_PROBE_TASK_NAMES_H_
#define TRIREME_HARNESS_PROBE_TASK_NAMES_H_

#include <stdint.h>

#include "harness/probe/recorder.h"

namespace trireme {

// What decisions need of a task: the spawn path that it has under every runtime, its name, and what it did how often.
struct TaskName {
  uint32_t task = 0;
  uint32_t connects = 0;     // connections and socketpairs that it made
  uint32_t pipes = 0;
  uint32_t counts[16] = {};  // by enum trireme_fault_call
  uint32_t again = 0;        // bits by the same: a fault told its last call to try again
  char path[48] = "-";
  char name[48] = "-";
};

// Of the calling thread's task, or the one that it serves. What runs without one is one for the whole process, whose path
// and name are "-" in the first process of the trial.
TaskName& CurrentTaskName();
// What it had made before exec.
struct MadeBefore {
  uint32_t connects = 0;
  uint32_t pipes = 0;
  uint32_t opens = 0;
};
// That one, and what it is in this process, whose path in the tree of processes it gets behind its own.
const TaskName& NoTaskName();
void NameNoTask(const char* process, const MadeBefore& before = {});
// A TASK_START event that is recorded.
void NoteTaskName(const Entry& start);
void ForgetTaskNames();

// The number of this one among the calls of that kind that the task made; from 0.
uint32_t CountCall(TaskName& name, trireme_fault_call call);

// Whether a fault told the one before to try again, as EINTR does. It is let through then, however often the fault hits: Python
// makes an interrupted call again for ever.
bool IsMadeAgain(const TaskName& name, trireme_fault_call call);
// To be told of each that was asked about.
void NoteToBeMadeAgain(TaskName& name, trireme_fault_call call, bool again);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_TASK_NAMES_H_
