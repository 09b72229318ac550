#include "runners/sdk/task_state.h"

#include <algorithm>

#include "runners/sdk/probe.h"

namespace trireme {

void WaitList::Add(Waiter& waiter) {
  if (waiter.linked) return;
  waiter.linked = true;
  waiter.previous = last_;
  waiter.next = nullptr;
  (last_ == nullptr ? first_ : last_->next) = &waiter;
  last_ = &waiter;
}

void WaitList::Remove(Waiter& waiter) {
  if (!waiter.linked) return;
  waiter.linked = false;
  (waiter.previous == nullptr ? first_ : waiter.previous->next) = waiter.next;
  (waiter.next == nullptr ? last_ : waiter.next->previous) = waiter.previous;
}

Waiter& WaitList::TakeFirst() {
  Waiter& waiter = *first_;
  Remove(waiter);
  return waiter;
}

void WaitList::WakeFirst() {
  if (first_ != nullptr) first_->task->backend->Unpark(*first_->task);
}

void WaitList::WakeAll() {
  for (Waiter* waiter = first_; waiter != nullptr; waiter = waiter->next)
    waiter->task->backend->Unpark(*waiter->task);
}

namespace internal {

int64_t TaskState::Deadline() const {
  int64_t earliest = kNever;
  for (const TimeoutBlock* block = timeouts; block != nullptr; block = block->outer_)
    if (!block->fired) earliest = std::min(earliest, block->deadline_);
  return earliest;
}

int64_t TaskState::TimeLeft() const {
  const int64_t deadline = Deadline();
  return deadline == kNever ? kNever : std::max<int64_t>(0, deadline - ShownNow());
}

void TaskState::ThrowIfStopped() {
  if (cancel_requested.load(std::memory_order_acquire)) {
    cancel_requested.store(false, std::memory_order_release);
    throw Cancelled();
  }
  if (timeouts != nullptr) ThrowIfLate(ShownNow());
}

void TaskState::Suffer(int fault) {
  if (fault == 1) cancel_requested.store(true, std::memory_order_release);
  if (fault != 2) return;
  TimeoutBlock* around = timeouts;
  while (around != nullptr && around->fired) around = around->outer_;
  if (around == nullptr) throw TimeoutExpired();
  around->fired = true;
  throw DeadlineReached(around);
}

// The outermost one that is late is what unwinds furthest, so it is the one to say.
void TaskState::ThrowIfLate(int64_t now) {
  TimeoutBlock* late = nullptr;
  for (TimeoutBlock* block = timeouts; block != nullptr; block = block->outer_)
    if (!block->fired && block->deadline_ <= now) late = block;
  if (late == nullptr) return;
  for (TimeoutBlock* block = timeouts; block != late; block = block->outer_) block->fired = true;
  late->fired = true;
  throw DeadlineReached(late);
}

}  // namespace internal
}  // namespace trireme
