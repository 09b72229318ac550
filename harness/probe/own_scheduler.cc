#include "harness/probe/own_scheduler.h"

#include "harness/probe/recorder.h"

namespace trireme {
namespace {

struct OwnScheduler {
  uint32_t task = 0;     // its number; 0: none showed itself yet
  uint32_t running = 0;  // what SwitchWithoutHub() was told last, but for the scheduler
};

constinit thread_local OwnScheduler own_scheduler = {};

// REQUIRES: RunsWithoutHub().
void BecomeScheduler() {
  const uint32_t task = own_scheduler.running;
  own_scheduler = {.task = task};
  EndWaitsOf(task);
  SetTask(0);
}

}  // namespace

void SwitchWithoutHub(uint32_t task) {
  OwnScheduler& own = own_scheduler;
  own.running = task == own.task ? 0 : task;
  if (own.task == 0)
    SetTaskOfNoLoop(own.running);
  else
    SetTask(own.running);
}

void LeaveToHub() { own_scheduler = {}; }

bool RunsWithoutHub() {
  const uint32_t running = own_scheduler.running;
  return running != 0 && running == CurrentTask();
}

void NoteSleepInSet() {
  if (RunsWithoutHub()) [[unlikely]]
    BecomeScheduler();
}

bool NoteSleepFor(int fd, Direction direction) {
  if (!OtherTaskWasTold(fd, direction)) return false;
  BecomeScheduler();
  return true;
}

}  // namespace trireme
