#include "harness/check/lock_graph.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace trireme {
namespace {

constexpr size_t kMostEdges = 200'000;  // between different locks
constexpr size_t kMostTasks = 64;       // whose order is followed
constexpr size_t kTasksOfAnEdge =
    3;  // are enough to find two that can meet, unless all of them are ordered
constexpr size_t kMostWays = 50'000;
constexpr size_t kMostWaysOfAnEdge = 16;  // tasks, gates and moments
constexpr size_t kMostLocksOfACycle = 8;
constexpr size_t kMostSteps = 1'000'000;  // of the search of a circle
constexpr size_t kMostCyclesOfACircle = 16;

// Which circle each lock is in, by Tarjan's algorithm without recursion.
class LockCircles {
 public:
  LockCircles(size_t locks, const std::vector<std::vector<size_t>>& next)
      : next_(next), order_(locks, 0), low_(locks, 0), circle_(locks, SIZE_MAX) {
    for (size_t lock = 0; lock < locks; ++lock)
      if (order_[lock] == 0) Visit(lock);
  }
  bool AreTogether(size_t a, size_t b) const { return circle_[a] == circle_[b]; }
  size_t CircleOf(size_t lock) const { return circle_[lock]; }

 private:
  void Visit(size_t root) {
    Push(root);
    while (!path_.empty()) {
      const size_t lock = path_.back().first;
      if (path_.back().second < next_[lock].size()) {
        const size_t to = next_[lock][path_.back().second++];
        if (order_[to] == 0)
          Push(to);
        else if (circle_[to] == SIZE_MAX)
          low_[lock] = std::min(low_[lock], order_[to]);
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) low_[path_.back().first] = std::min(low_[path_.back().first], low_[lock]);
      if (low_[lock] == order_[lock]) Close(lock);
    }
  }
  void Push(size_t lock) {
    order_[lock] = low_[lock] = ++visited_;
    open_.push_back(lock);
    path_.emplace_back(lock, 0);
  }
  void Close(size_t lock) {
    size_t member = 0;
    do {
      member = open_.back();
      open_.pop_back();
      circle_[member] = lock;
    } while (member != lock);
  }

  const std::vector<std::vector<size_t>>& next_;
  std::vector<size_t> order_, low_, circle_, open_;
  std::vector<std::pair<size_t, size_t>> path_;
  size_t visited_ = 0;
};

struct Orders {
  std::vector<std::vector<size_t>> next;  // by lock
  std::vector<LockNesting::Lock> locks;
  bool any = false, whole = true;
};

// The first look: which lock was ever come to under which.
Orders FindOrders(const TrialView& view) {
  Orders orders;
  LockNesting nesting;
  std::set<std::pair<size_t, size_t>> known;
  for (const Event& event : view.history->events()) {
    const std::optional<LockNesting::Attempt> attempt = nesting.See(event);
    if (!attempt) continue;
    orders.any = true;
    for (const size_t held : attempt->kept) {
      if (known.size() == kMostEdges) orders.whole = false;
      if (known.size() < kMostEdges) known.emplace(held, attempt->lock);
    }
  }
  orders.locks = nesting.locks();
  orders.whole = orders.whole && !nesting.overflowed();
  orders.next.resize(orders.locks.size());
  for (const auto& [from, to] : known) orders.next[from].push_back(to);
  return orders;
}

// Calls take(attempt, held) for each order of two locks of one circle.
template <typename Take>
void ForEachOrder(const LockCircles& circles, const LockNesting::Attempt& attempt,
                  const Take& take) {
  for (const size_t held : attempt.kept)
    if (circles.AreTogether(held, attempt.lock)) take(held);
}

// The tasks of a circle whose order is followed, and the locks that are held at each of its orders: with one, it is no
// danger.
class CircleTasks {
 public:
  explicit CircleTasks(const LockCircles& circles) : circles_(circles) {}

  void See(const LockNesting::Attempt& attempt) {
    ForEachOrder(circles_, attempt, [&](size_t held) {
      Circle& circle = by_circle_[circles_.CircleOf(held)];
      circle.Guard(attempt.held);
      std::set<uint32_t>& tasks = circle.tasks[{held, attempt.lock}];
      if (tasks.size() < kTasksOfAnEdge)
        tasks.insert(attempt.task);
      else if (!tasks.contains(attempt.task))
        circle.whole = false;
    });
  }

  // Of the circles without a gate.
  std::set<uint32_t> Tasks(bool* whole) const {
    std::set<uint32_t> all;
    for (const auto& [lock, circle] : by_circle_) {
      if (!circle.gates.empty()) continue;
      *whole = *whole && circle.whole;
      for (const auto& [order, tasks] : circle.tasks) all.insert(tasks.begin(), tasks.end());
    }
    while (all.size() > kMostTasks) {
      all.erase(std::prev(all.end()));
      *whole = false;
    }
    return all;
  }
  bool HasGate(size_t lock) const {
    const auto circle = by_circle_.find(circles_.CircleOf(lock));
    return circle != by_circle_.end() && !circle->second.gates.empty();
  }

 private:
  struct Circle {
    std::map<std::pair<size_t, size_t>, std::set<uint32_t>> tasks;  // by order
    std::vector<size_t> gates;
    bool any = false, whole = true;

    void Guard(const std::vector<size_t>& held) {
      if (!any) gates = held;
      any = true;
      std::erase_if(gates, [&](size_t gate) {
        return std::find(held.begin(), held.end(), gate) == held.end();
      });
    }
  };

  const LockCircles& circles_;
  std::map<size_t, Circle> by_circle_;
};

// The second look, at the orders that are part of a circle: each way to come to a lock once, where the same task, locks
// and moment make the same way.
class WayCollector {
 public:
  WayCollector(const LockCircles& circles, const CircleTasks& of_circles,
               const std::set<uint32_t>& tasks)
      : circles_(circles),
        of_circles_(of_circles),
        tasks_(tasks),
        order_(tasks, HappensBefore::Edges::kTasks) {}

  void See(const Event& event) {
    order_.See(event);
    const std::optional<LockNesting::Attempt> attempt = nesting_.See(event);
    if (!attempt || !tasks_.contains(attempt->task)) return;
    Complete(*attempt);
    ForEachOrder(circles_, *attempt, [&](size_t held) {
      if (!of_circles_.HasGate(held)) Add(*attempt, held);
    });
  }

  void MoveInto(LockGraph& graph) {
    for (auto& [lock, edges] : by_circle_) graph.circles.push_back(std::move(edges));
    graph.whole = graph.whole && whole_;
  }

 private:
  void Add(const LockNesting::Attempt& attempt, size_t from) {
    LockEdge edge{.from = from,
                  .to = attempt.lock,
                  .held = attempt.held,
                  .actor = attempt.actor,
                  .task = attempt.task,
                  .time = attempt.time,
                  .moment = order_.Now(attempt.task),
                  .held_at = nesting_.PlaceOf(attempt.actor, from),
                  .taken_at = nesting_.PlaceOf(attempt.actor, attempt.lock)};
    std::sort(edge.held.begin(), edge.held.end());
    auto& ways = ways_[{edge.from, edge.to}];
    auto way = std::tuple(edge.actor, static_cast<const void*>(edge.moment.clock.get()), edge.held);
    if (ways.contains(way)) return;
    if (ways.size() == kMostWaysOfAnEdge || count_ == kMostWays) {
      whole_ = false;
      return;
    }
    ++count_;
    ways.insert(std::move(way));
    std::vector<LockEdge>& edges = by_circle_[circles_.CircleOf(from)];
    if (edge.taken_at.empty()) waiting_[attempt.actor].emplace_back(&edges, edges.size());
    edges.push_back(std::move(edge));
  }
  // What comes next after a task has begun to wait: that it got that lock, or it came to another.
  void Complete(const LockNesting::Attempt& attempt) {
    const auto waiting = waiting_.extract(attempt.actor);
    if (waiting.empty()) return;
    for (const auto& [edges, index] : waiting.mapped())
      if (LockEdge& edge = (*edges)[index]; edge.to == attempt.lock)
        edge.taken_at = nesting_.PlaceOf(attempt.actor, attempt.lock);
  }

  const LockCircles& circles_;
  const CircleTasks& of_circles_;
  const std::set<uint32_t>& tasks_;
  HappensBefore order_;
  LockNesting nesting_;
  // The clock's address stands for the moment: the edge that has it keeps it alive.
  std::map<std::pair<size_t, size_t>,
           std::set<std::tuple<uint64_t, const void*, std::vector<size_t>>>>
      ways_;
  std::map<size_t, std::vector<LockEdge>> by_circle_;
  // Edges of tasks that wait for their lock, by task: in which of by_circle_, and where there.
  std::unordered_map<uint64_t, std::vector<std::pair<std::vector<LockEdge>*, size_t>>> waiting_;
  size_t count_ = 0;
  bool whole_ = true;
};

bool HaveCommonLock(const LockEdge& a, const LockEdge& b) {
  auto left = a.held.begin();
  auto right = b.held.begin();
  while (left != a.held.end() && right != b.held.end()) {
    if (*left == *right) return true;
    ++(*left < *right ? left : right);
  }
  return false;
}

// Whether two tasks can be so at the same time.
bool CanMeet(const LockEdge& a, const LockEdge& b) {
  return a.actor != b.actor && !HaveCommonLock(a, b) && !HappensBefore::Ordered(a.moment, b.moment);
}

class CycleSearch {
 public:
  explicit CycleSearch(const std::vector<LockEdge>& edges) : edges_(edges) {
    for (const LockEdge& edge : edges) from_[edge.from].push_back(&edge);
    for (const LockEdge& edge : edges) between_[{edge.from, edge.to}].push_back(&edge);
  }

  LockCycles Run() {
    for (const auto& [locks, there] : between_)
      if (locks.first < locks.second) FindPair(there, {locks.second, locks.first});
    for (size_t length = 3; found_.cycles.empty() && length <= kMostLocksOfACycle; ++length) {
      for (const LockEdge& edge : edges_) {
        if (!found_.cycles.empty() || steps_ >= kMostSteps) break;
        path_ = {&edge};
        Extend(length);
      }
    }
    found_.whole = steps_ < kMostSteps;
    return std::move(found_);
  }

 private:
  void FindPair(const std::vector<const LockEdge*>& there, std::pair<size_t, size_t> back) {
    const auto backs = between_.find(back);
    if (backs == between_.end() || found_.cycles.size() == kMostCyclesOfACircle) return;
    for (const LockEdge* first : there) {
      for (const LockEdge* second : backs->second) {
        if (++steps_ >= kMostSteps) return;
        if (!CanMeet(*first, *second)) continue;
        found_.cycles.push_back({*first, *second});
        return;
      }
    }
  }

  // A cycle begins with its lowest lock, so that each is looked for once.
  void Extend(size_t length) {
    const size_t start = path_.front()->from;
    for (const LockEdge* next : from_[path_.back()->to]) {
      if (++steps_ >= kMostSteps || !found_.cycles.empty()) return;
      const bool last = path_.size() + 1 == length;
      if (last ? next->to != start : next->to <= start) continue;
      if (!std::all_of(path_.begin(), path_.end(),
                       [&](const LockEdge* edge) { return CanMeet(*edge, *next); }))
        continue;
      path_.push_back(next);
      if (last)
        Keep();
      else
        Extend(length);
      path_.pop_back();
    }
  }

  void Keep() {
    std::vector<LockEdge> cycle;
    for (const LockEdge* edge : path_) cycle.push_back(*edge);
    found_.cycles.push_back(std::move(cycle));
  }

  const std::vector<LockEdge>& edges_;
  std::unordered_map<size_t, std::vector<const LockEdge*>> from_;
  std::map<std::pair<size_t, size_t>, std::vector<const LockEdge*>> between_;
  std::vector<const LockEdge*> path_;
  LockCycles found_;
  size_t steps_ = 0;
};

}  // namespace

LockGraph MakeLockGraph(const TrialView& view) {
  Orders orders = FindOrders(view);
  LockGraph graph{.locks = {}, .circles = {}, .any = orders.any, .whole = orders.whole};
  const LockCircles circles(orders.locks.size(), orders.next);
  graph.locks = std::move(orders.locks);
  CircleTasks of_circles(circles);
  LockNesting nesting;
  for (const Event& event : view.history->events())
    if (const auto attempt = nesting.See(event)) of_circles.See(*attempt);
  const std::set<uint32_t> tasks = of_circles.Tasks(&graph.whole);
  if (tasks.empty()) return graph;
  WayCollector ways(circles, of_circles, tasks);
  for (const Event& event : view.history->events()) ways.See(event);
  ways.MoveInto(graph);
  return graph;
}

LockCycles FindLockCycles(const std::vector<LockEdge>& circle) { return CycleSearch(circle).Run(); }

}  // namespace trireme
