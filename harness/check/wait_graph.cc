#include "harness/check/wait_graph.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/stream_ends.h"

namespace trireme {
namespace {

using Index = WaitGraph::Index;
constexpr int64_t kMostCounted = int64_t{1} << 40;  // no count of a damaged history overflows
constexpr size_t kNamedHolders = 3;
// What forked processes may inherit together: a thousand forks while a hundred locks are held.
constexpr size_t kMostInherited = 100'000;

uint64_t KeyOf(uint32_t process, uint32_t task) { return uint64_t{process} << 32 | task; }

class WaitReplay {
 public:
  explicit WaitReplay(WaitGraph& graph) : graph_(graph) {}

  void See(const Event& event) {
    switch (event.kind) {
      case EventKind::kTaskStart:
        return Start(event);
      case EventKind::kTaskEnd:
      case EventKind::kEnd:
        return End(event);
      case EventKind::kDeadline:
        if (event.task != 0) TaskIn(event).deadline = DeadlineOf(event);
        return;
      case EventKind::kWait:
        return BeginWait(event);
      case EventKind::kWake:
        if (event.task != 0) TaskIn(event).wait.reset();
        return;
      case EventKind::kCancel:
        if (event.id > UINT32_MAX) return;
        if (const Index target = Find(event.process, static_cast<uint32_t>(event.id));
            target != WaitGraph::kNone)
          At(target).cancelled = event.time;
        return;
      case EventKind::kProcess:
        bytes_may_come_ = true;  // from one that has no task
        return Fork(event);
      case EventKind::kFault:
        bytes_may_come_ = true;  // where they are held back
        return;
      case EventKind::kSync:
        return Sync(event);
      default:
        return;
    }
  }

  // Who waits for bytes, or for room for them, waits for those at the other end: where that is known, and nothing came for
  // so long that nothing is on its way. All else may come by itself.
  void LinkStreams() {
    graph_.between_ends =
        !bytes_may_come_ && std::any_of(waited_at_.begin(), waited_at_.end(),
                                        [this](Index stream) { return ends_.AreKnown(stream); });
    for (WaitGraph::Actor& actor : graph_.actors) {
      if (!actor.wait || !IsOfStream(actor.wait->kind)) continue;
      WaitGraph::Wait& wait = *actor.wait;
      const bool quiet = wait.since < graph_.until - graph_.until / 4 && !bytes_may_come_;
      const std::vector<Index> across = quiet && wait.object != WaitGraph::kNone
                                            ? ends_.Across(wait.object)
                                            : std::vector<Index>();
      for (const Index other : across) ObjectAt(wait.object).holders.try_emplace(other, 1);
      if (!across.empty()) continue;
      wait.kind = WaitKind::kOther;
      wait.object = WaitGraph::kNone;
    }
  }

 private:
  WaitGraph::Actor& At(Index actor) { return graph_.actors[actor]; }
  WaitGraph::Object& ObjectAt(Index object) { return graph_.objects[object]; }

  Index Task(uint32_t process, uint32_t task) {
    const auto [found, is_new] =
        tasks_.try_emplace(KeyOf(process, task), static_cast<Index>(graph_.actors.size()));
    if (is_new) {
      graph_.actors.push_back({.process = process, .task = task});
      graph_.home.try_emplace(task, found->second);
    }
    return found->second;
  }
  Index Thread(uint32_t process, uint32_t thread) {
    const auto [found, is_new] =
        threads_.try_emplace(KeyOf(process, thread), static_cast<Index>(graph_.actors.size()));
    if (is_new) graph_.actors.push_back({.process = process, .thread = thread, .started = true});
    return found->second;
  }
  Index ActorOf(const Event& event) {
    if (event.task == 0) return Thread(event.process, event.thread);
    const Index actor = Task(event.process, event.task);
    At(actor).started = true;
    At(actor).absent = false;
    return actor;
  }
  WaitGraph::Actor& TaskIn(const Event& event) { return At(ActorOf(event)); }
  Index Find(uint32_t process, uint32_t task) const {
    const auto found = tasks_.find(KeyOf(process, task));
    return found != tasks_.end() ? found->second : graph_.FindTask(task);
  }
  Index Object(uint32_t process, uint64_t number) {
    const auto [found, is_new] =
        objects_[process].try_emplace(number, static_cast<Index>(graph_.objects.size()));
    if (is_new) {
      graph_.objects.push_back({.process = process, .number = number, .facts = {}, .holders = {}});
      Inherit(found->second);
    }
    return found->second;
  }

  // What a forked process does not touch before it needs no copy, but what was made before it has its kind and place.
  void Inherit(Index object) {
    uint32_t process = ObjectAt(object).process;
    for (int generation = 0; generation < 8; ++generation) {
      const auto parent = parents_.find(process);
      if (parent == parents_.end()) return;
      process = parent->second;
      const auto objects = objects_.find(process);
      if (objects == objects_.end()) continue;
      const auto original = objects->second.find(ObjectAt(object).number);
      if (original == objects->second.end()) continue;
      ObjectAt(object).facts = ObjectAt(original->second).facts;
      ObjectAt(object).made = ObjectAt(original->second).made;
      return;
    }
  }

  void Start(const Event& event) {
    if (event.task == 0) return;
    ActorOf(event);
  }

  void End(const Event& event) {
    if (event.task == 0) return;
    WaitGraph::Actor& actor = TaskIn(event);
    actor.ended = true;
    actor.wait.reset();
  }

  void BeginWait(const Event& event) {
    if (event.task == 0) return;
    const Index actor = ActorOf(event);
    WaitGraph::Wait wait{.kind = WaitKindOf(event.key),
                         .name = ToValidUtf8(event.key),
                         .since = event.time,
                         .deadline = std::exchange(At(actor).deadline, std::nullopt)};
    if (const std::optional<uint64_t> number = WaitedFor(event)) {
      if (wait.kind == WaitKind::kJoin) {
        if (*number <= UINT32_MAX)
          wait.target = Find(event.process, static_cast<uint32_t>(*number));
      } else if (wait.kind != WaitKind::kOther) {
        wait.object = Object(event.process, *number);
        if (IsOfStream(wait.kind)) waited_at_.insert(wait.object);
      }
    }
    At(actor).wait = std::move(wait);
  }

  // The child has its parent's objects as they are now, and of its tasks the one that forked.
  void Fork(const Event& event) {
    if (event.id > UINT32_MAX || inherited_ >= kMostInherited) return;
    const auto parent = static_cast<uint32_t>(event.id);
    if (parent == event.process || !parents_.try_emplace(event.process, parent).second) return;
    const auto objects = objects_.find(parent);
    if (objects == objects_.end()) return;
    const auto held = objects->second;  // Object() may make room for the child's
    for (const auto& [number, index] : held) {
      if (inherited_ >= kMostInherited) return;
      ++inherited_;
      if (!ObjectAt(index).holders.empty()) InheritHolders(event, number, index);
    }
  }

  void InheritHolders(const Event& event, uint64_t number, Index original) {
    const Index copy = Object(event.process, number);
    const std::map<Index, int64_t> holders = ObjectAt(original).holders;
    for (const auto& [holder, count] : holders) {
      if (++inherited_ > kMostInherited || At(holder).task == 0) continue;
      const Index twin = Task(event.process, At(holder).task);
      At(twin).started = true;
      At(twin).absent = At(holder).task != event.task;
      Hold(twin, copy, count);
    }
  }

  void Hold(Index actor, Index object, int64_t count) {
    int64_t& held = ObjectAt(object).holders[actor];
    held = std::min(held + count, kMostCounted);
    At(actor).holdings[object] = held;
    ObjectAt(object).taken = std::min(ObjectAt(object).taken + count, kMostCounted);
  }
  void LetGo(Index actor, Index object, int64_t count) {
    WaitGraph::Object& it = ObjectAt(object);
    const auto held = it.holders.find(actor);
    if (held == it.holders.end()) return;
    count = std::min(count, held->second);
    it.taken -= count;
    held->second -= count;
    At(actor).holdings[object] = held->second;
    if (held->second > 0) return;
    it.holders.erase(held);
    At(actor).holdings.erase(object);
  }

  void Sync(const Event& event) {
    const SyncAction action = ActionOf(event);
    if (event.id == 0) return;
    const Index object = Object(event.process, event.id);
    if (action == SyncAction::kNew) {
      ObjectAt(object).facts = FactsOf(event);
      ObjectAt(object).made = true;
      return;
    }
    const Index actor = ActorOf(event);
    Act(event, action, actor, object);
    ActOnStream(event, action, actor, object);
    const bool passes = action == SyncAction::kAcquire || action == SyncAction::kPut ||
                        action == SyncAction::kGet || action == SyncAction::kPassed;
    std::optional<WaitGraph::Wait>& wait = At(actor).wait;
    if (passes && wait && wait->object == object) wait->granted = true;
  }

  void ActOnStream(const Event& event, SyncAction action, Index actor, Index stream) {
    if (action == SyncAction::kConnected) ends_.Connect(actor, stream, EndsOf(event));
    if (action == SyncAction::kRead || action == SyncAction::kWrite) ends_.Use(actor, stream);
    if (action == SyncAction::kClose) ends_.Close(stream);
  }

  void Act(const Event& event, SyncAction action, Index actor, Index object) {
    WaitGraph::Object& it = ObjectAt(object);
    switch (action) {
      case SyncAction::kAcquire:
        return Acquire(actor, object);
      case SyncAction::kRelease:
        return Release(actor, object);
      case SyncAction::kWait:
        At(actor).condition = object;
        At(actor).depth = HeldBy(actor, object);
        return LetGo(actor, object, kMostCounted);
      case SyncAction::kPut:
        it.items = ItemsAfter(event).value_or(std::min(it.items + 1, kMostCounted));
        return;
      case SyncAction::kGet:
        it.items = ItemsAfter(event).value_or(std::max<int64_t>(it.items - 1, 0));
        return;
      case SyncAction::kSet:
        it.set = true;
        return;
      case SyncAction::kClear:
        it.set = false;
        return;
      default:
        return;
    }
  }

  int64_t HeldBy(Index actor, Index object) const {
    const auto& holders = graph_.objects[object].holders;
    const auto held = holders.find(actor);
    return held == holders.end() ? 0 : held->second;
  }

  bool IsLock(Index object) const {
    const std::string& kind = graph_.objects[object].facts.kind;
    return kind == "lock" || kind == "rlock" || kind == "condition";
  }

  // A lock has one holder: whoever had it before gave it back in a way that was not recorded.
  void Acquire(Index actor, Index object) {
    if (IsLock(object)) {
      const std::map<Index, int64_t> holders = ObjectAt(object).holders;
      for (const auto& [holder, count] : holders)
        if (holder != actor || graph_.objects[object].facts.kind == "lock")
          LetGo(holder, object, count);
    }
    int64_t count = 1;
    if (At(actor).condition == object) {
      count = std::max<int64_t>(1, At(actor).depth);
      At(actor).condition = WaitGraph::kNone;
    }
    Hold(actor, object, count);
  }

  void Release(Index actor, Index object) {
    WaitGraph::Object& it = ObjectAt(object);
    if (HeldBy(actor, object) > 0) return LetGo(actor, object, 1);
    if (it.facts.kind == "rlock") return;  // only its holder can
    it.signalled = true;
    it.taken = std::max(it.taken - 1, -kMostCounted);
    if (!IsLock(object)) return;
    const std::map<Index, int64_t> holders = it.holders;
    for (const auto& [holder, count] : holders) LetGo(holder, object, count);
    ObjectAt(object).taken = 0;
  }

  WaitGraph& graph_;
  std::unordered_map<uint64_t, Index> tasks_, threads_;
  std::unordered_map<uint32_t, std::unordered_map<uint64_t, Index>> objects_;  // by process
  std::unordered_map<uint32_t, uint32_t> parents_;
  size_t inherited_ = 0;
  StreamEnds ends_;
  std::set<Index> waited_at_;  // streams
  bool bytes_may_come_ = false;
};

std::string HoldersText(const TrialView& view, const WaitGraph& graph, Index waiter,
                        const WaitGraph::Object& object) {
  std::vector<std::string> names;
  for (const auto& [holder, count] : object.holders) {
    if (names.size() == kNamedHolders) break;
    const WaitGraph::Actor& actor = graph.actors[holder];
    std::string name = holder == waiter ? "itself" : graph.NameOf(view, holder);
    if (actor.absent)
      name = view.TaskName(actor.task) + " held when the process was forked";
    else
      name += actor.ended ? " held when it ended" : " holds";
    if (const auto place = object.places.find(holder); place != object.places.end())
      name += place->second.empty() ? "" : " since " + ShortPlace(place->second);
    names.push_back(std::move(name));
  }
  const size_t more = object.holders.size() - names.size();
  if (names.empty()) return ", which nobody holds";
  return " that " + Join(names, " and ") +
         (more > 0 ? " and " + std::to_string(more) + " more hold" : "");
}

// Who may read what a task wants to write to a stream, or write what it wants to read.
std::string EndsText(const TrialView& view, const WaitGraph& graph, Index waiter,
                     const WaitGraph::Object& stream) {
  std::vector<std::string> have, had;
  for (const auto& [other, count] : stream.holders) {
    const WaitGraph::Actor& actor = graph.actors[other];
    std::vector<std::string>& names = actor.ended ? had : have;
    names.push_back(other == waiter ? "itself" : graph.NameOf(view, other));
  }
  const auto text = [](std::vector<std::string> names) {
    const size_t named = std::min(names.size(), kNamedHolders);
    const size_t more = names.size() - named;
    names.resize(named);
    return Join(names, " and ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
  };
  if (have.empty()) return ", whose other end " + text(had) + " had and did not close";
  return ", whose other end " + text(have) + (have.size() > 1 ? " have" : " has");
}

std::string WhatItNeeds(WaitKind kind, const WaitGraph::Actor& actor, const WaitGraph::Wait& wait) {
  switch (kind) {
    case WaitKind::kSemaphore:
      return "a permit of the ";
    case WaitKind::kQueuePut:
      return "room in the ";
    case WaitKind::kQueueGet:
      return "an item of the ";
    case WaitKind::kPool:
    case WaitKind::kPoolPlace:
      return "a place of the ";
    case WaitKind::kPoolJoin:
      return "the end of all in the ";
    case WaitKind::kRecv:
      return "bytes of the ";
    case WaitKind::kSend:
      return "room in the ";
    case WaitKind::kCondition:
      return actor.condition == wait.object ? "a notification of the " : "the lock of the ";
    default:
      return "the ";
  }
}

// Of objects whose making was not recorded, the kind of the wait says what they are.
ObjectFacts FactsFor(const WaitGraph::Object& object, WaitKind kind) {
  ObjectFacts facts = object.facts;
  if (!facts.kind.empty()) return facts;
  switch (kind) {
    case WaitKind::kLock:
      facts.kind = "lock";
      break;
    case WaitKind::kSemaphore:
      facts.kind = "semaphore";
      break;
    case WaitKind::kCondition:
      facts.kind = "condition";
      break;
    case WaitKind::kEvent:
      facts.kind = "event";
      break;
    case WaitKind::kQueuePut:
    case WaitKind::kQueueGet:
      facts.kind = "queue";
      break;
    case WaitKind::kRecv:
    case WaitKind::kSend:
      facts.kind = "stream";
      break;
    default:
      facts.kind = "pool";
      break;
  }
  return facts;
}

bool HasHolders(WaitKind kind, const WaitGraph::Actor& actor, const WaitGraph::Wait& wait) {
  return kind == WaitKind::kLock || kind == WaitKind::kSemaphore || kind == WaitKind::kPool ||
         kind == WaitKind::kPoolPlace || kind == WaitKind::kPoolJoin ||
         (kind == WaitKind::kCondition && actor.condition != wait.object);
}

}  // namespace

Index WaitGraph::FindTask(uint32_t task) const {
  const auto found = home.find(task);
  return found == home.end() ? WaitGraph::kNone : found->second;
}

std::string WaitGraph::NameOf(const TrialView& view, Index actor) const {
  const Actor& it = actors[actor];
  if (it.task == 0) return "thread " + std::to_string(it.thread);
  const std::string name = view.TaskName(it.task);
  return FindTask(it.task) == actor ? name : name + " of process " + std::to_string(it.process);
}

std::string WaitGraph::Describe(const TrialView& view, Index actor) const {
  const Actor& it = actors[actor];
  const std::string name = NameOf(view, actor);
  if (!it.wait) return name;
  const Wait& wait = *it.wait;
  if (wait.target != WaitGraph::kNone)
    return name + " waits for the end of " + NameOf(view, wait.target);
  if (wait.object == WaitGraph::kNone) return name + " in " + wait.name;
  const Object& object = objects[wait.object];
  std::string text = name + " waits for " + WhatItNeeds(wait.kind, it, wait) +
                     ObjectText(FactsFor(object, wait.kind));
  if (IsOfStream(wait.kind)) return text + EndsText(view, *this, actor, object);
  if (HasHolders(wait.kind, it, wait)) text += HoldersText(view, *this, actor, object);
  return text;
}

std::string WaitGraph::KindOfWait(Index actor) const {
  const Actor& it = actors[actor];
  if (!it.wait) return "";
  const Wait& wait = *it.wait;
  if (wait.object == WaitGraph::kNone) return wait.name;
  return wait.name + " of " + FactsFor(objects[wait.object], wait.kind).kind;
}

WaitGraph MakeWaitGraph(const TrialView& view, int64_t until) {
  WaitGraph graph;
  graph.until = until;
  WaitReplay replay(graph);
  for (const Event& event : view.history->events())
    if (event.time <= until && event.kind != EventKind::kExit) replay.See(event);
  replay.LinkStreams();
  return graph;
}

}  // namespace trireme
