#include "harness/check/happens_before.h"

#include <algorithm>
#include <optional>

namespace trireme {
namespace {

using ClockCounts = std::vector<uint32_t>;

bool AtMost(const ClockCounts& a, const ClockCounts& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] > b[i]) return false;
  return true;
}

bool GivesOn(SyncAction action) {
  return action == SyncAction::kRelease || action == SyncAction::kWait ||
         action == SyncAction::kPut || action == SyncAction::kSet || action == SyncAction::kNotify;
}

bool ComesAfter(SyncAction action) {
  return action == SyncAction::kAcquire || action == SyncAction::kGet ||
         action == SyncAction::kPassed;
}

}  // namespace

HappensBefore::HappensBefore(const std::set<uint32_t>& tracked, Edges edges) : edges_(edges) {
  for (const uint32_t task : tracked) slots_.emplace(task, slots_.size());
}

void HappensBefore::Join(Clock& into, const Clock& from) {
  if (from == nullptr || from == into) return;
  if (into == nullptr || AtMost(*into, *from)) {
    into = from;
    return;
  }
  if (AtMost(*from, *into)) return;
  ClockCounts merged = *into;
  for (size_t i = 0; i < merged.size(); ++i) merged[i] = std::max(merged[i], (*from)[i]);
  into = std::make_shared<const ClockCounts>(std::move(merged));
}

void HappensBefore::Tell(uint32_t task, Clock& into) {
  Task& from = tasks_[task];
  from.told = true;
  Join(into, from.clock);
}

void HappensBefore::See(const Event& event) {
  switch (event.kind) {
    case EventKind::kTaskStart:
      return Start(event);
    case EventKind::kTaskEnd:
      return End(event);
    case EventKind::kJoin:
      if (event.id <= UINT32_MAX) Tell(static_cast<uint32_t>(event.id), tasks_[event.task].clock);
      return;
    case EventKind::kCancel:
      if (edges_ == Edges::kAll && event.id <= UINT32_MAX)
        Tell(event.task, tasks_[static_cast<uint32_t>(event.id)].clock);
      return;
    case EventKind::kWait:
      tasks_[event.task].wait = {.kind = WaitKindOf(event.key),
                                 .number = WaitedFor(event).value_or(0)};
      return;
    case EventKind::kWake:
      return Wake(tasks_[event.task]);
    case EventKind::kSync:
      if (edges_ == Edges::kAll) Sync(event);
      return;
    default:
      return;
  }
}

void HappensBefore::Start(const Event& event) {
  Task& task = tasks_[event.task];
  Join(task.clock, ended_);
  if (event.id > UINT32_MAX || event.id == event.task) return;
  task.parent = static_cast<uint32_t>(event.id);
  Tell(task.parent, tasks_[event.task].clock);
}

void HappensBefore::End(const Event& event) {
  const uint32_t parent = tasks_[event.task].parent;
  Tell(event.task, ended_);
  if (parent != 0) Tell(event.task, tasks_[parent].clock);
}

// The wait may have ended otherwise, by a cancel or a deadline: then this is an edge too many. Whoever joins a pool comes
// after all that it ran; which tasks those are is known from what they did to it, else it is taken to be all that ended.
void HappensBefore::Wake(Task& task) {
  const Wait wait = task.wait;
  task.wait = {};
  if (wait.number == 0) return;
  if (wait.kind == WaitKind::kJoin) {
    const auto target = tasks_.find(static_cast<uint32_t>(wait.number));
    if (target == tasks_.end()) return;
    target->second.told = true;
    Join(task.clock, target->second.clock);
  } else if (wait.kind == WaitKind::kPoolJoin && edges_ == Edges::kTasks) {
    Join(task.clock, ended_);
  } else if (wait.kind != WaitKind::kOther && edges_ == Edges::kAll) {
    if (const auto object = objects_.find(wait.number); object != objects_.end())
      Join(task.clock, object->second);
  }
}

void HappensBefore::Sync(const Event& event) {
  const SyncAction action = ActionOf(event);
  if (action == SyncAction::kNew) {
    const ObjectFacts facts = FactsOf(event);
    if (facts.kind == "queue" && facts.size == 0) unlimited_.insert(event.id);
    return;
  }
  const bool needs_room = action == SyncAction::kPut && !unlimited_.contains(event.id);
  if (ComesAfter(action) || needs_room) {
    if (const auto object = objects_.find(event.id); object != objects_.end())
      Join(tasks_[event.task].clock, object->second);
  }
  const bool makes_room = action == SyncAction::kGet && !unlimited_.contains(event.id);
  if (GivesOn(action) || makes_room) Tell(event.task, objects_[event.id]);
}

HappensBefore::Moment HappensBefore::Now(uint32_t number) {
  const size_t slot = slots_.at(number);
  Task& task = tasks_[number];
  if (task.told) {
    ClockCounts counts = task.clock == nullptr ? ClockCounts(slots_.size(), 0) : *task.clock;
    ++counts[slot];
    task.clock = std::make_shared<const ClockCounts>(std::move(counts));
    task.told = false;
  }
  return {.slot = slot, .count = (*task.clock)[slot], .clock = task.clock};
}

bool HappensBefore::Ordered(const Moment& a, const Moment& b) {
  return a.slot == b.slot || (*b.clock)[a.slot] >= a.count || (*a.clock)[b.slot] >= b.count;
}

}  // namespace trireme
