#include "runners/sdk/point.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>

#include "runners/sdk/probe.h"

namespace trireme {
namespace {

thread_local TaskState* current = nullptr;
std::atomic<bool> plan_has_task_faults{false};

}  // namespace

// Not inlined: a fiber may go on with this address, were it kept over a switch, on a thread that is
// not its own.
[[gnu::noinline]] TaskState* CurrentTaskOrNull() { return current; }

TaskState& CurrentTaskState() {
  TaskState* task = CurrentTaskOrNull();
  if (task == nullptr)
    throw std::logic_error("only a task may wait: this thread was not made by Spawn()");
  return *task;
}

[[gnu::noinline]] void SetCurrentTask(TaskState* task) {
  current = task;
  Probe().set_task(task == nullptr ? 0 : task->number);
}

namespace internal {

void ComeTo(const Place& place) {
  if (TaskState* task = CurrentTaskOrNull(); task != nullptr && place.file != nullptr)
    task->place.Set(place);
}

}  // namespace internal

void AskForTaskFaults() { plan_has_task_faults = Probe().point("", "", 0) != 0; }

Point::Point(const char* kind)
    : task_(CurrentTaskState()), kind_(kind), ordinal_(task_.serves ? 0 : ++task_.ordinal) {
  if (plan_has_task_faults.load(std::memory_order_relaxed) && !task_.serves) [[unlikely]]
    task_.Suffer(Probe().point(task_.path.c_str(), task_.name.c_str(), ordinal_));
  task_.ThrowIfStopped();
  AddCalls(1);
}

Point::Point(const char* kind, uint64_t ordinal)
    : task_(CurrentTaskState()), kind_(kind), ordinal_(ordinal) {
  AddCalls(1);
}

void Point::AddCalls(int count) const {
  task_.calls.store(task_.calls.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

void Point::Wait(uint64_t awaited) { Begin(awaited, true); }
void Point::WaitThrough(uint64_t awaited) { Begin(awaited, false); }

void Point::Begin(uint64_t awaited, bool ends) {
  if (waited_) return;
  waited_ = true;
  task_.waiting_ordinal.store(ordinal_, std::memory_order_relaxed);
  task_.waiting.store(kind_, std::memory_order_release);
  if (ends && task_.timeouts != nullptr) RecordDeadline();
  const auto value = static_cast<int64_t>(awaited);
  Probe().record_for(
      task_.number, TRIREME_WAIT, ordinal_, kind_, static_cast<uint32_t>(std::strlen(kind_)),
      awaited == 0 ? TRIREME_NONE : TRIREME_INT, &value, awaited == 0 ? 0 : sizeof(value));
}

void Point::RecordDeadline() const {
  const int64_t left = task_.TimeLeft();
  if (left == kNever) return;
  Probe().record_for(task_.number, TRIREME_DEADLINE, ordinal_, kind_,
                     static_cast<uint32_t>(std::strlen(kind_)), TRIREME_INT, &left, sizeof(left));
}

Point::~Point() {
  AddCalls(-1);
  if (!waited_) return;
  task_.waiting.store(nullptr, std::memory_order_release);
  Probe().record_for(
      task_.number, TRIREME_WAKE, ordinal_, kind_, static_cast<uint32_t>(std::strlen(kind_)),
      moved_ < 0 ? TRIREME_NONE : TRIREME_INT, &moved_, moved_ < 0 ? 0 : sizeof(moved_));
}

}  // namespace trireme
