#include "harness/probe/task_names.h"

#include "harness/probe/text.h"

namespace trireme {
namespace {

// By the task's number; pages that nobody touches cost nothing. Of two tasks that live at once with as many numbers
// between them the older one loses its name.
constexpr uint32_t kTaskNames = 16384;
TaskName task_names[kTaskNames];
TaskName no_task;

void CopyText(char* place, uint64_t room, const Bytes& text) {
  const uint64_t size = text.size < room - 1 ? text.size : room - 1;
  __builtin_memcpy(place, text.data, size);
  place[size] = '\0';
}

}  // namespace

TaskName& CurrentTaskName() {
  const uint32_t task = CurrentOrServedTask();
  TaskName& name = task_names[task % kTaskNames];
  return task != 0 && name.task == task ? name : no_task;
}

const TaskName& NoTaskName() { return no_task; }

void NameNoTask(const char* process, const MadeBefore& before) {
  no_task = TaskName();
  for (char* text : {no_task.path, no_task.name})
    TextBuffer(text, sizeof(no_task.path)).Add("-").Add(process);
  no_task.connects = before.connects;
  no_task.pipes = before.pipes;
  no_task.counts[TRIREME_CALL_OPEN] = before.opens;
}

void NoteTaskName(const Entry& start) {
  TaskName& name = task_names[start.task % kTaskNames];
  name = TaskName();
  CopyText(name.path, sizeof(name.path), start.key);
  if (start.type == TRIREME_TEXT) CopyText(name.name, sizeof(name.name), start.value);
  __atomic_store_n(&name.task, start.task, __ATOMIC_RELEASE);
}

void ForgetTaskNames() {
  for (TaskName& name : task_names)
    if (name.task != 0) name.task = 0;
  no_task = TaskName();
}

uint32_t CountCall(TaskName& name, trireme_fault_call call) {
  return __atomic_fetch_add(&name.counts[call], 1, __ATOMIC_RELAXED);
}

bool IsMadeAgain(const TaskName& name, trireme_fault_call call) {
  return (__atomic_load_n(&name.again, __ATOMIC_RELAXED) >> call & 1U) != 0;
}

void NoteToBeMadeAgain(TaskName& name, trireme_fault_call call, bool again) {
  if (again)
    __atomic_fetch_or(&name.again, 1U << call, __ATOMIC_RELAXED);
  else
    __atomic_fetch_and(&name.again, ~(1U << call), __ATOMIC_RELAXED);
}

}  // namespace trireme
