#include "harness/check/knots.h"

#include <algorithm>
#include <deque>
#include <set>

#include "harness/base/strings.h"

namespace trireme {
namespace {

using Index = WaitGraph::Index;
constexpr size_t kTasksOfGraph = 100;
constexpr size_t kTasksOfMessage = 6;

// Who could end a wait.
enum class Waker {
  kItself,   // time, bytes from outside, or what is there already
  kTarget,   // the task that it joins
  kHolder,   // any holder of its object
  kHolders,  // all of them together
  kAnybody,
};

bool Lives(const WaitGraph::Actor& actor) { return actor.started && !actor.ended && !actor.absent; }

// By object.
std::vector<int64_t> LiveHolders(const WaitGraph& graph) {
  std::vector<int64_t> live(graph.objects.size(), 0);
  for (size_t i = 0; i < live.size(); ++i)
    for (const auto& [holder, count] : graph.objects[i].holders)
      live[i] += Lives(graph.actors[holder]) ? 1 : 0;
  return live;
}

// A task that ended has given its place back, whether that was recorded or not. Where none has a place, those that were
// submitted get one.
Waker WakerOfPool(const WaitGraph::Object& object, int64_t live, WaitKind kind) {
  if (live == 0) return Waker::kItself;
  if (kind == WaitKind::kPoolJoin) return Waker::kHolders;
  const bool full = object.facts.size > 0 && live >= object.facts.size;
  return !object.made || full ? Waker::kHolder : Waker::kItself;
}

Waker WakerOfLock(const WaitGraph::Object& object) {
  if (!object.made || object.signalled) return Waker::kAnybody;
  return object.holders.empty() ? Waker::kItself : Waker::kHolder;
}

Waker WakerOfQueue(const WaitGraph::Object& object, WaitKind kind) {
  if (kind == WaitKind::kQueueGet) return object.items > 0 ? Waker::kItself : Waker::kAnybody;
  const bool has_room = object.facts.size > 0 && object.items < object.facts.size;
  return has_room ? Waker::kItself : Waker::kAnybody;
}

Waker WakerOfTask(const WaitGraph& graph, const WaitGraph::Wait& wait) {
  if (wait.target == WaitGraph::kNone) return Waker::kItself;
  return graph.actors[wait.target].ended ? Waker::kItself : Waker::kTarget;
}

// Whether what shall end a wait at `time` may still do so: what did not in a quarter of the trial's time never will.
bool MayStillEnd(const WaitGraph& graph, const std::optional<int64_t>& time, bool hung) {
  return time && (!hung || *time > graph.until - graph.until / 4);
}

Waker WakerOf(const WaitGraph& graph, const std::vector<int64_t>& live,
              const WaitGraph::Actor& actor, bool hung) {
  const WaitGraph::Wait& wait = *actor.wait;
  if (wait.granted || MayStillEnd(graph, actor.cancelled, hung) ||
      MayStillEnd(graph, wait.deadline, hung))
    return Waker::kItself;
  if (wait.kind == WaitKind::kOther) return Waker::kItself;
  if (wait.kind == WaitKind::kJoin) return WakerOfTask(graph, wait);
  if (wait.object == WaitGraph::kNone) return Waker::kAnybody;
  const WaitGraph::Object& object = graph.objects[wait.object];
  switch (wait.kind) {
    case WaitKind::kLock:
      return WakerOfLock(object);
    case WaitKind::kCondition:
      return actor.condition == wait.object ? Waker::kAnybody : WakerOfLock(object);
    case WaitKind::kSemaphore:
      return object.made && object.taken < object.facts.size ? Waker::kItself : Waker::kAnybody;
    case WaitKind::kEvent:
      return object.set ? Waker::kItself : Waker::kAnybody;
    case WaitKind::kQueuePut:
    case WaitKind::kQueueGet:
      return WakerOfQueue(object, wait.kind);
    case WaitKind::kRecv:
    case WaitKind::kSend:
      return hung ? Waker::kAnybody : Waker::kItself;
    default:
      return WakerOfPool(object, live[wait.object], wait.kind);
  }
}

// Takes tasks out of the set until none is left in it that somebody outside could wake.
class GreatestSet {
 public:
  GreatestSet(const WaitGraph& graph, bool hung)
      : graph_(graph),
        waker_(graph.actors.size(), Waker::kItself),
        in_(graph.actors.size(), false),
        joiners_(graph.actors.size()),
        waiters_(graph.objects.size()),
        waiters_for_all_(graph.objects.size()),
        stuck_holders_(graph.objects.size(), 0) {
    const std::vector<int64_t> live = LiveHolders(graph);
    for (Index i = 0; i < graph.actors.size(); ++i) Enter(i, live, hung);
    for (Index i = 0; i < graph.objects.size(); ++i)
      for (const auto& [holder, count] : graph.objects[i].holders) stuck_holders_[i] += in_[holder];
    for (Index i = 0; i < graph.actors.size(); ++i)
      if (!in_[i] && Lives(graph.actors[i])) outside_.push_back(i);
    while (!outside_.empty()) {
      const Index actor = outside_.front();
      outside_.pop_front();
      Wake(actor);
    }
  }

  bool Holds(Index actor) const { return in_[actor]; }
  Waker waker(Index actor) const { return waker_[actor]; }

 private:
  void Enter(Index i, const std::vector<int64_t>& live, bool hung) {
    const WaitGraph::Actor& actor = graph_.actors[i];
    if (!Lives(actor) || !actor.wait) return;
    waker_[i] = WakerOf(graph_, live, actor, hung);
    in_[i] = waker_[i] != Waker::kItself;
    if (waker_[i] == Waker::kTarget) joiners_[actor.wait->target].push_back(i);
    if (waker_[i] == Waker::kHolder) waiters_[actor.wait->object].push_back(i);
    if (waker_[i] == Waker::kHolders) waiters_for_all_[actor.wait->object].push_back(i);
    if (waker_[i] == Waker::kAnybody) anybody_.push_back(i);
  }

  void Remove(Index actor) {
    if (!in_[actor]) return;
    in_[actor] = false;
    outside_.push_back(actor);
    for (const auto& [object, count] : graph_.actors[actor].holdings) --stuck_holders_[object];
  }

  // What one outside the set could do.
  void Wake(Index actor) {
    for (const Index waiter : anybody_) Remove(waiter);
    anybody_.clear();
    for (const Index joiner : joiners_[actor]) Remove(joiner);
    for (const auto& [object, count] : graph_.actors[actor].holdings) WakeWaiters(object);
  }

  void WakeWaiters(Index object) {
    for (const Index waiter : waiters_[object]) Remove(waiter);
    waiters_[object].clear();
    if (stuck_holders_[object] > 0) return;
    for (const Index waiter : waiters_for_all_[object]) Remove(waiter);
    waiters_for_all_[object].clear();
  }

  const WaitGraph& graph_;
  std::vector<Waker> waker_;
  std::vector<bool> in_;
  std::vector<std::vector<Index>> joiners_, waiters_, waiters_for_all_;
  std::vector<int64_t> stuck_holders_;
  std::vector<Index> anybody_;
  std::deque<Index> outside_;
};

// The stuck tasks, and between them the objects that they wait for: who waits for whom.
class StuckGraph {
 public:
  StuckGraph(const WaitGraph& graph, const GreatestSet& set, bool hung)
      : graph_(graph), set_(set), hung_(hung), holders_(graph.objects.size()) {
    for (size_t i = 0; i < holders_.size(); ++i)
      for (const auto& [holder, count] : graph.objects[i].holders)
        if (set.Holds(holder)) holders_[i].push_back(holder);
  }

  size_t size() const { return graph_.actors.size() + graph_.objects.size(); }
  bool IsTask(size_t node) const { return node < graph_.actors.size(); }
  // An object that nobody who is stuck has.
  bool IsEnd(size_t node) const {
    return !IsTask(node) && holders_[node - graph_.actors.size()].empty();
  }

  std::vector<size_t> Next(size_t node) const {
    if (!IsTask(node)) return holders_[node - graph_.actors.size()];
    const auto task = static_cast<Index>(node);
    const WaitGraph::Wait& wait = *graph_.actors[task].wait;
    if (set_.waker(task) == Waker::kTarget) {
      if (set_.Holds(wait.target)) return {wait.target};
      return {};
    }
    if (wait.object == WaitGraph::kNone || !LeadsToHolders(task, wait)) return {};
    return {graph_.actors.size() + wait.object};
  }

  // Why a task that leads nowhere is stuck.
  Knot::Kind KindOfEnd(Index task) const {
    const WaitGraph::Wait& wait = *graph_.actors[task].wait;
    if (set_.waker(task) == Waker::kTarget || set_.waker(task) == Waker::kHolder ||
        set_.waker(task) == Waker::kHolders)
      return Knot::Kind::kGone;
    // Who serves a connection waits for bytes of it all day long: that these will not come is worth telling where nothing
    // else is.
    const bool held = wait.object != WaitGraph::kNone && !IsOfStream(wait.kind) &&
                      LeadsToHolders(task, wait);
    return held ? Knot::Kind::kGone : Knot::Kind::kNobody;
  }

 private:
  // Whoever has a permit of a semaphore is expected to give it back, unless others do so, and whoever has the other end
  // of a stream to read and write there; after main ended, who waits for one may as well be a worker that nobody has
  // work for.
  bool LeadsToHolders(Index task, const WaitGraph::Wait& wait) const {
    if (set_.waker(task) == Waker::kHolder || set_.waker(task) == Waker::kHolders) return true;
    const WaitGraph::Object& object = graph_.objects[wait.object];
    if (IsOfStream(wait.kind)) return hung_;
    return hung_ && wait.kind == WaitKind::kSemaphore && !object.signalled &&
           !object.holders.empty();
  }

  const WaitGraph& graph_;
  const GreatestSet& set_;
  bool hung_;
  std::vector<std::vector<size_t>> holders_;  // of each object, those that are stuck
};

// Tarjan's algorithm without recursion, from each stuck task. Components come out before those that lead to them, so
// one of which no edge leaves is known as it comes.
class Components {
 public:
  explicit Components(const StuckGraph& graph)
      : graph_(graph),
        order_(graph.size(), 0),
        low_(graph.size(), 0),
        part_(graph.size(), kNoPart) {}

  void VisitFrom(size_t root) {
    if (order_[root] != 0) return;
    Push(root);
    while (!path_.empty()) {
      Frame& frame = path_.back();
      if (frame.at < frame.next.size()) {
        const size_t next = frame.next[frame.at++];
        if (order_[next] == 0)
          Push(next);
        else if (part_[next] == kNoPart)
          low_[frame.node] = std::min(low_[frame.node], order_[next]);
        continue;
      }
      Pop();
    }
  }

  const std::vector<std::vector<size_t>>& parts() const { return parts_; }
  size_t PartOf(size_t node) const { return part_[node]; }

 private:
  static constexpr size_t kNoPart = SIZE_MAX;
  struct Frame {
    size_t node = 0;
    std::vector<size_t> next;
    size_t at = 0;
  };

  void Push(size_t node) {
    order_[node] = low_[node] = ++visited_;
    open_.push_back(node);
    path_.push_back({.node = node, .next = graph_.Next(node)});
  }

  void Pop() {
    const size_t node = path_.back().node;
    path_.pop_back();
    if (!path_.empty()) low_[path_.back().node] = std::min(low_[path_.back().node], low_[node]);
    if (low_[node] != order_[node]) return;
    std::vector<size_t> part;
    size_t member = 0;
    do {
      member = open_.back();
      open_.pop_back();
      part_[member] = parts_.size();
      part.push_back(member);
    } while (member != node);
    parts_.push_back(std::move(part));
  }

  const StuckGraph& graph_;
  std::vector<size_t> order_, low_, part_, open_;
  std::vector<Frame> path_;
  std::vector<std::vector<size_t>> parts_;
  size_t visited_ = 0;
};

// The shortest way from the first task of a component back to it.
std::vector<Index> ShortestCycle(const StuckGraph& graph, const Components& components,
                                 const std::vector<size_t>& part) {
  size_t start = SIZE_MAX;
  for (const size_t node : part)
    if (graph.IsTask(node)) start = std::min(start, node);
  std::map<size_t, size_t> before;
  std::deque<size_t> queue = {start};
  bool closed = false;
  while (!queue.empty() && !closed) {
    const size_t node = queue.front();
    queue.pop_front();
    for (const size_t next : graph.Next(node)) {
      if (components.PartOf(next) != components.PartOf(start)) continue;
      if (!before.try_emplace(next, node).second) continue;
      if ((closed = next == start)) break;
      queue.push_back(next);
    }
  }
  std::vector<Index> cycle;
  if (!closed) return cycle;
  for (size_t node = before[start];; node = before[node]) {
    if (graph.IsTask(node)) cycle.push_back(static_cast<Index>(node));
    if (node == start) break;
  }
  std::reverse(cycle.begin(), cycle.end());
  return cycle;
}

bool HasEdgeOut(const StuckGraph& graph, const Components& components,
                const std::vector<size_t>& part) {
  for (const size_t node : part)
    for (const size_t next : graph.Next(node))
      if (components.PartOf(next) != components.PartOf(node)) return true;
  return false;
}

bool HasEdgeWithin(const StuckGraph& graph, const std::vector<size_t>& part) {
  return part.size() > 1 || !graph.Next(part.front()).empty();
}

// A task whose object leads nowhere, or that leads nowhere itself.
bool LeadsNowhere(const StuckGraph& graph, size_t task) {
  const std::vector<size_t> next = graph.Next(task);
  return next.empty() || graph.IsEnd(next[0]);
}

struct KnotSorter {
  const WaitGraph& graph;
  std::vector<Knot> cycles;
  std::map<Index, Knot> gone;  // by what they wait for
  Knot nobody = {.kind = Knot::Kind::kNobody, .tasks = {}};

  void AddEnd(Index task, Knot::Kind kind) {
    if (kind == Knot::Kind::kNobody) return nobody.tasks.push_back(task);
    const WaitGraph::Wait& wait = *graph.actors[task].wait;
    const bool joins = wait.target != WaitGraph::kNone;
    Knot& knot = gone[joins ? wait.target : static_cast<Index>(graph.actors.size()) + wait.object];
    knot.kind = Knot::Kind::kGone;
    knot.tasks.push_back(task);
  }

  std::vector<Knot> Sorted() {
    std::vector<Knot> all = std::move(cycles);
    for (auto& [what, knot] : gone) all.push_back(std::move(knot));
    if (all.empty() && !nobody.tasks.empty()) all.push_back(std::move(nobody));
    return all;
  }
};

Json TaskToJson(const TrialView& view, const WaitGraph& graph, Index index, bool stuck) {
  const WaitGraph::Actor& actor = graph.actors[index];
  const WaitGraph::Wait& wait = *actor.wait;
  Json json = {{"task", graph.NameOf(view, index)},
               {"waits", wait.name},
               {"since_ns", wait.since},
               {"stuck", stuck}};
  if (wait.target != WaitGraph::kNone) json["for"] = graph.NameOf(view, wait.target);
  if (wait.object == WaitGraph::kNone) return json;
  const WaitGraph::Object& object = graph.objects[wait.object];
  json["object"] = {{"number", object.number},
                    {"kind", ToValidUtf8(object.facts.kind)},
                    {"place", ToValidUtf8(object.facts.place)},
                    {"size", object.facts.size},
                    {"items", object.items},
                    {"holders", Json::array()}};
  for (const auto& [holder, count] : object.holders) {
    if (json["object"]["holders"].size() == kTasksOfGraph) break;
    json["object"]["holders"].push_back(graph.NameOf(view, holder));
    if (const auto place = object.places.find(holder); place != object.places.end())
      json["object"]["taken"].push_back(ToValidUtf8(place->second));
  }
  return json;
}

}  // namespace

Knots FindKnots(const WaitGraph& graph, bool hung) {
  const GreatestSet set(graph, hung);
  const StuckGraph stuck(graph, set, hung);
  Components components(stuck);
  Knots found;
  KnotSorter sorter{.graph = graph, .cycles = {}, .gone = {}};
  for (Index i = 0; i < graph.actors.size(); ++i) {
    if (!set.Holds(i)) continue;
    found.stuck.push_back(i);
    components.VisitFrom(i);
    if (LeadsNowhere(stuck, i)) sorter.AddEnd(i, stuck.KindOfEnd(i));
  }
  for (const std::vector<size_t>& part : components.parts()) {
    if (!HasEdgeWithin(stuck, part) || HasEdgeOut(stuck, components, part)) continue;
    Knot knot{.kind = Knot::Kind::kCycle, .tasks = ShortestCycle(stuck, components, part)};
    if (!knot.tasks.empty()) sorter.cycles.push_back(std::move(knot));
  }
  found.knots = sorter.Sorted();
  return found;
}

std::string DescribeKnot(const TrialView& view, const WaitGraph& graph, const Knot& knot) {
  std::vector<std::string> parts;
  for (const Index task : knot.tasks) {
    if (parts.size() == kTasksOfMessage) break;
    parts.push_back(graph.Describe(view, task));
  }
  std::string text = Join(parts, ", ");
  if (const size_t more = knot.tasks.size() - parts.size(); more > 0)
    text += " and " + std::to_string(more) + " more";
  if (knot.kind == Knot::Kind::kNobody) text += ", and nobody is left who could end that";
  return text;
}

std::string SubjectOf(const TrialView& view, const WaitGraph& graph, const Knot& knot) {
  std::set<std::string> lines;
  for (const Index task : knot.tasks) {
    std::string line =
        WithoutNumbers(view.TaskName(graph.actors[task].task)) + " in " + graph.KindOfWait(task);
    if (knot.kind == Knot::Kind::kGone && graph.actors[task].wait->object != WaitGraph::kNone) {
      for (const auto& [holder, count] : graph.objects[graph.actors[task].wait->object].holders)
        line += ", held by " + WithoutNumbers(view.TaskName(graph.actors[holder].task));
    }
    lines.insert(std::move(line));
  }
  const std::string kind = knot.kind == Knot::Kind::kCycle  ? "cycle"
                           : knot.kind == Knot::Kind::kGone ? "gone"
                                                            : "nobody";
  std::string text = kind + "\n";
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Json GraphToJson(const TrialView& view, const WaitGraph& graph, const Knots& knots) {
  Json tasks = Json::array();
  const std::set<Index> stuck(knots.stuck.begin(), knots.stuck.end());
  size_t left_out = 0;
  const auto add = [&](bool of_stuck) {
    for (Index i = 0; i < graph.actors.size(); ++i) {
      const WaitGraph::Actor& actor = graph.actors[i];
      if (!actor.wait || !Lives(actor) || stuck.contains(i) != of_stuck) continue;
      if (tasks.size() < kTasksOfGraph)
        tasks.push_back(TaskToJson(view, graph, i, of_stuck));
      else
        ++left_out;
    }
  };
  add(true);
  add(false);
  return {{"tasks", std::move(tasks)}, {"left_out", left_out}};
}

}  // namespace trireme
