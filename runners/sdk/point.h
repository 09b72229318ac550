#ifndef TRIREME_RUNNERS_SDK_POINT_H_
#define TRIREME_RUNNERS_SDK_POINT_H_

#include <coroutine>
#include <cstdint>

#include "runners/sdk/task_state.h"

namespace trireme {

// The task that the calling thread runs. Throws std::logic_error when it runs none: a thread that
// is no task cannot wait.
TaskState& CurrentTaskState();
// Null when there is none.
TaskState* CurrentTaskOrNull();
// What a backend says at each switch; tells the probe too.
void SetCurrentTask(TaskState* task);

// Once a trial records: whether its plan stops tasks at points, which then ask.
void AskForTaskFaults();

// A place where a task may wait: every call of the workload API that may is one, whichever runtime
// it runs on. It counts, notices cancel() and deadlines, and records WAIT and WAKE around what
// really waits.
class Point {
 public:
  // A new point of the current task. Throws when the task shall stop. That of a task which serves has
  // the ordinal 0, and no fault strikes there.
  explicit Point(const char* kind);
  // The same point again, in the coroutine that waits for it.
  Point(const char* kind, uint64_t ordinal);
  ~Point();
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;

  TaskState& task() const { return task_; }
  uint64_t ordinal() const { return ordinal_; }
  // From now on the task waits, until it is the end of the point. `awaited`: the number of what it waits for, if that has
  // one.
  void Wait(uint64_t awaited = 0);
  // The same for a wait that the task's deadlines do not end.
  void WaitThrough(uint64_t awaited);
  void Moved(int64_t bytes) { moved_ = bytes; }
  // Throws when the task shall stop.
  void Check() { task_.ThrowIfStopped(); }

 private:
  // That the wait which begins now ends by itself.
  void RecordDeadline() const;
  void Begin(uint64_t awaited, bool ends);
  void AddCalls(int count) const;

  TaskState& task_;
  const char* kind_;
  uint64_t ordinal_;
  int64_t moved_ = -1;
  bool waited_ = false;
};

// Suspends the current task's coroutine until its backend resumes it.
class Parked {
 public:
  Parked(TaskState& task, int64_t deadline, IoState* io = nullptr,
         Direction direction = Direction::kRead)
      : task_(task), deadline_(deadline), io_(io), direction_(direction) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> leaf) {
    task_.leaf = leaf;
    task_.backend->Suspend(task_, deadline_, io_, direction_);
  }
  void await_resume() const noexcept {}

 private:
  TaskState& task_;
  int64_t deadline_;
  IoState* io_;
  Direction direction_;
};

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_POINT_H_
