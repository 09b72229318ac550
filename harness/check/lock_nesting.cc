#include "harness/check/lock_nesting.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace trireme {
namespace {

constexpr size_t kNoLock = SIZE_MAX;
constexpr int64_t kNever = INT64_MAX;
// What passes between looking how much time is left and writing it down moves a deadline; none is set by so little before
// another.
constexpr int64_t kLoose = 10'000'000;

uint64_t ActorKey(const Event& event) { return uint64_t{event.process} << 32 | event.task; }

bool IsLockKind(const std::string& kind) {
  return kind == "lock" || kind == "rlock" || kind == "condition";
}

}  // namespace

std::optional<LockNesting::Attempt> LockNesting::See(const Event& event) {
  if (event.kind == EventKind::kSync) return SeeSync(event);
  if (event.task == 0) return std::nullopt;
  if (event.kind == EventKind::kDeadline)
    actors_[ActorKey(event)].deadline = DeadlineOf(event).value_or(kNever);
  return event.kind == EventKind::kWait ? SeeWait(event) : std::nullopt;
}

std::optional<LockNesting::Attempt> LockNesting::SeeWait(const Event& event) {
  Actor& actor = actors_[ActorKey(event)];
  const int64_t deadline = std::exchange(actor.deadline, kNever);
  const WaitKind kind = WaitKindOf(event.key);
  if (kind != WaitKind::kLock && kind != WaitKind::kCondition) return std::nullopt;
  const std::optional<uint64_t> number = WaitedFor(event);
  const size_t lock = number ? LockOf(event, *number) : kNoLock;
  if (lock == kNoLock || actor.condition == lock) return std::nullopt;
  return Attempted(event, lock, deadline);
}

size_t LockNesting::LockOf(const Event& event, uint64_t number) {
  const auto made = made_.find(number);
  if (made == made_.end()) return kNoLock;
  const auto [found, is_new] = index_[event.process].try_emplace(number, locks_.size());
  if (is_new) {
    locks_.push_back({.process = event.process, .number = number, .facts = made->second});
    holder_.push_back(0);
  }
  return found->second;
}

std::optional<LockNesting::Attempt> LockNesting::SeeSync(const Event& event) {
  const SyncAction action = ActionOf(event);
  if (action == SyncAction::kNew) {
    ObjectFacts facts = FactsOf(event);
    if (IsLockKind(facts.kind)) made_.try_emplace(event.id, std::move(facts));
    return std::nullopt;
  }
  const bool concerns = action == SyncAction::kAcquire || action == SyncAction::kRelease ||
                        action == SyncAction::kWait;
  const size_t lock = concerns ? LockOf(event, event.id) : kNoLock;
  if (lock == kNoLock) return std::nullopt;
  if (action == SyncAction::kAcquire) return Acquire(event, lock);
  if (action == SyncAction::kRelease) {
    Release(ActorKey(event), lock);
  } else if (event.task != 0) {
    Actor& actor = actors_[ActorKey(event)];
    actor.condition = lock;
    actor.condition_depth = actor.depth[lock];
    Forget(ActorKey(event), lock);
  }
  return std::nullopt;
}

std::optional<LockNesting::Attempt> LockNesting::Acquire(const Event& event, size_t lock) {
  const uint64_t key = ActorKey(event);
  if (holder_[lock] != 0 && holder_[lock] != key) Forget(holder_[lock], lock);
  if (event.task == 0) return std::nullopt;
  Actor& actor = actors_[key];
  std::optional<Attempt> attempt =
      Attempted(event, lock, DeadlineOf(event).value_or(kNever));
  Take(actor, lock, event);
  holder_[lock] = key;
  return attempt;
}

std::string_view LockNesting::PlaceOf(uint64_t key, size_t lock) const {
  const auto actor = actors_.find(key);
  if (actor == actors_.end()) return {};
  const auto place = actor->second.places.find(lock);
  return place == actor->second.places.end() ? std::string_view() : place->second;
}

void LockNesting::Take(Actor& actor, size_t lock, const Event& event) {
  const bool notified = actor.condition == lock;
  const int64_t count = notified ? std::max<int64_t>(1, actor.condition_depth) : 1;
  if (notified) actor.condition = kNoLock;
  int64_t& depth = actor.depth[lock];
  if (depth == 0) {
    actor.held.push_back(lock);
    actor.deadlines[lock] = DeadlineOf(event).value_or(kNever);
    if (event.type == ValueType::kText) actor.places[lock] = event.raw;
  }
  depth += count;
  if (actor.held.size() > kMostHeld) overflowed_ = actor.overflowed = true;
  if (actor.overflowed) actor.held.clear();
}

std::optional<LockNesting::Attempt> LockNesting::Attempted(const Event& event, size_t lock,
                                                           int64_t deadline) const {
  const uint64_t key = ActorKey(event);
  const auto actor = actors_.find(key);
  if (actor == actors_.end() || actor->second.held.empty()) return std::nullopt;
  const std::vector<size_t>& held = actor->second.held;
  if (std::find(held.begin(), held.end(), lock) != held.end()) return std::nullopt;
  Attempt attempt{
      .actor = key, .task = event.task, .lock = lock, .held = held, .time = event.time, .kept = {}};
  for (const size_t each : held) {
    const auto taken = actor->second.deadlines.find(each);
    const int64_t before = taken == actor->second.deadlines.end() ? kNever : taken->second;
    if (deadline == kNever || before <= kLoose || before - kLoose <= deadline)
      attempt.kept.push_back(each);
  }
  return attempt;
}

void LockNesting::Forget(uint64_t key, size_t lock) {
  Actor& actor = actors_[key];
  actor.depth.erase(lock);
  actor.deadlines.erase(lock);
  actor.places.erase(lock);
  std::erase(actor.held, lock);
  if (holder_[lock] == key) holder_[lock] = 0;
}

// Of a lock, anybody may; of an rlock, only who has it.
void LockNesting::Release(uint64_t key, size_t lock) {
  const uint64_t holder = holder_[lock];
  if (holder == 0 || (holder != key && locks_[lock].facts.kind == "rlock")) return;
  int64_t& depth = actors_[holder].depth[lock];
  if (holder == key && depth > 1)
    --depth;
  else
    Forget(holder, lock);
}

}  // namespace trireme
