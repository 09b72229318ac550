#include "harness/check/overtakings.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>

namespace trireme {
namespace {

constexpr size_t kWorstOfALine = 8;

// A task's coming to an object, to be served there.
struct Visit {
  uint32_t task = 0;
  uint32_t who = 0;  // the task that wants it: of a pool, the parent
  WaitKind kind = WaitKind::kOther;
  bool waited = false;
  int64_t from = 0, to = -1;         // -1: never ended
  size_t begin = 0, end = SIZE_MAX;  // in the order of the line's steps
  bool served = false;
};

// Those who want the same of one object, in the order in which they came. A step is a service or the end of a wait.
struct Line {
  struct Step {
    size_t visit = 0;
    bool serves = false;
  };
  uint64_t object = 0;
  std::vector<Visit> visits;
  std::vector<Step> steps;

  size_t Come(Visit visit) {
    visit.begin = steps.size();
    visits.push_back(visit);
    return visits.size() - 1;
  }
  void EndWait(size_t visit, int64_t time) {
    Visit& it = visits[visit];
    if (it.end != SIZE_MAX) return;
    it.to = time;
    it.end = steps.size();
    steps.push_back({.visit = visit, .serves = false});
  }
  void Serve(size_t visit, int64_t time) {
    EndWait(visit, time);
    visits[visit].served = true;
    steps.push_back({.visit = visit, .serves = true});
  }
};

// Adds to all places below one, and reads one place: a Fenwick tree.
class PrefixCounts {
 public:
  explicit PrefixCounts(size_t size) : counts_(size + 1, 0) {}
  void AddBelow(size_t place) {
    for (; place > 0; place -= place & (~place + 1)) ++counts_[place];
  }
  int64_t At(size_t place) const {
    int64_t sum = 0;
    for (++place; place < counts_.size(); place += place & (~place + 1)) sum += counts_[place];
    return sum;
  }

 private:
  std::vector<int64_t> counts_;
};

class LineReplay {
 public:
  explicit LineReplay(const TrialView& view) : view_(view) {}

  void See(const Event& event) {
    if (event.task == 0 && event.kind != EventKind::kSync) return;
    switch (event.kind) {
      case EventKind::kWait:
        return Wait(event);
      case EventKind::kWake:
      case EventKind::kTaskEnd:
        if (const auto found = places_.find(ActorOf(event)); found != places_.end())
          lines_[found->second.line].EndWait(found->second.visit, event.time);
        return;
      case EventKind::kSync:
        return Sync(event);
      default:
        return;
    }
  }

  std::vector<Line>& lines() { return lines_; }
  ObjectFacts FactsFor(uint64_t object) const {
    const auto found = facts_.find(object);
    return found == facts_.end() ? ObjectFacts{} : found->second;
  }

 private:
  struct Place {
    size_t line = 0, visit = 0;
  };
  struct Owner {
    uint64_t actor = 0;
    int64_t depth = 0;
  };

  static uint64_t ActorOf(const Event& event) { return uint64_t{event.process} << 32 | event.task; }

  size_t LineOf(const Event& event, uint64_t object, bool puts) {
    const auto [found, is_new] =
        index_.try_emplace(std::tuple(event.process, object, puts), lines_.size());
    if (is_new) lines_.push_back({.object = object, .visits = {}, .steps = {}});
    return found->second;
  }

  Visit VisitOf(const Event& event, WaitKind kind) const {
    const Task* task = view_.history->FindTask(event.task);
    const bool of_pool = kind == WaitKind::kPoolPlace && task != nullptr && task->parent != 0;
    return {.task = event.task,
            .who = of_pool ? task->parent : event.task,
            .kind = kind,
            .from = event.time};
  }

  void Wait(const Event& event) {
    const WaitKind kind = WaitKindOf(event.key);
    const std::optional<uint64_t> number = WaitedFor(event);
    if (const auto left = places_.find(ActorOf(event)); left != places_.end()) {
      lines_[left->second.line].EndWait(left->second.visit, event.time);
      places_.erase(left);
    }
    const bool stands = kind == WaitKind::kLock || kind == WaitKind::kSemaphore ||
                        kind == WaitKind::kQueueGet || kind == WaitKind::kQueuePut ||
                        kind == WaitKind::kPoolPlace;
    if (!stands || !number) return;
    const size_t line = LineOf(event, *number, kind == WaitKind::kQueuePut);
    Visit visit = VisitOf(event, kind);
    visit.waited = true;
    places_[ActorOf(event)] = {.line = line, .visit = lines_[line].Come(visit)};
  }

  void Sync(const Event& event) {
    const SyncAction action = ActionOf(event);
    if (action == SyncAction::kNew) {
      facts_.try_emplace(event.id, FactsOf(event));
      return;
    }
    if (action == SyncAction::kRelease) return Release(event);
    if (action != SyncAction::kAcquire && action != SyncAction::kPut && action != SyncAction::kGet)
      return;
    const std::string kind = FactsFor(event.id).kind;
    if (kind == "condition" || (kind == "rlock" && TakesAgain(event))) return;
    const WaitKind visit_kind = action == SyncAction::kPut   ? WaitKind::kQueuePut
                                : action == SyncAction::kGet ? WaitKind::kQueueGet
                                : kind == "pool"             ? WaitKind::kPoolPlace
                                                             : WaitKind::kLock;
    Serve(event, LineOf(event, event.id, action == SyncAction::kPut), visit_kind);
  }

  void Serve(const Event& event, size_t line, WaitKind kind) {
    const auto place = places_.find(ActorOf(event));
    if (place != places_.end() && place->second.line == line &&
        !lines_[line].visits[place->second.visit].served) {
      lines_[line].Serve(place->second.visit, event.time);
      return;
    }
    lines_[line].Serve(lines_[line].Come(VisitOf(event, kind)), event.time);
  }

  bool TakesAgain(const Event& event) {
    Owner& owner = owners_[{event.process, event.id}];
    const bool again = owner.depth > 0 && owner.actor == ActorOf(event);
    owner = {.actor = ActorOf(event), .depth = again ? owner.depth + 1 : 1};
    return again;
  }
  void Release(const Event& event) {
    const auto owner = owners_.find({event.process, event.id});
    if (owner != owners_.end() && owner->second.depth > 0) --owner->second.depth;
  }

  const TrialView& view_;
  std::vector<Line> lines_;
  std::map<std::tuple<uint32_t, uint64_t, bool>, size_t> index_;
  std::unordered_map<uint64_t, Place> places_;  // by task: where it last began to wait
  std::unordered_map<uint64_t, ObjectFacts> facts_;
  std::map<std::pair<uint32_t, uint64_t>, Owner> owners_;  // of rlocks
};

// A service of one who came later counts for all who came before it and wait still.
std::vector<int64_t> CountOvertakings(const Line& line) {
  std::vector<int64_t> overtaken(line.visits.size(), 0);
  PrefixCounts counts(line.visits.size());
  for (const Line::Step& step : line.steps) {
    if (step.serves)
      counts.AddBelow(step.visit);
    else
      overtaken[step.visit] = counts.At(step.visit);
  }
  return overtaken;
}

// Who stood there at any moment of the visit, itself too.
int64_t CountWanting(const Line& line, const Visit& visit) {
  std::set<uint32_t> who;
  for (const Visit& other : line.visits)
    if (other.begin <= visit.end && other.end >= visit.begin) who.insert(other.who);
  return static_cast<int64_t>(who.size());
}

int64_t ServedDuring(const Line& line, const Visit& visit) {
  int64_t served = 0;
  for (size_t i = visit.begin; i < visit.end && i < line.steps.size(); ++i)
    served += line.steps[i].serves ? 1 : 0;
  return served;
}

void AddWorst(const Line& line, const ObjectFacts& facts, int64_t until, Overtakings& found) {
  const std::vector<int64_t> overtaken = CountOvertakings(line);
  std::vector<size_t> waits;
  for (size_t i = 0; i < line.visits.size(); ++i) {
    const Visit& visit = line.visits[i];
    if (visit.waited && overtaken[i] > 0) waits.push_back(i);
  }
  const size_t count = std::min(waits.size(), kWorstOfALine);
  std::partial_sort(waits.begin(), waits.begin() + static_cast<ptrdiff_t>(count), waits.end(),
                    [&](size_t a, size_t b) {
                      return overtaken[a] != overtaken[b] ? overtaken[a] > overtaken[b] : a < b;
                    });
  waits.resize(count);
  for (const size_t i : waits) {
    const Visit& visit = line.visits[i];
    found.worst.push_back({.task = visit.task,
                           .kind = visit.kind,
                           .object = line.object,
                           .facts = facts,
                           .from = visit.from,
                           .to = visit.to < 0 ? until : visit.to,
                           .overtaken = overtaken[i],
                           .served = ServedDuring(line, visit),
                           .wanted = CountWanting(line, visit),
                           .ended = visit.to >= 0});
  }
}

// Between a wait's beginning and its end, the line served somebody.
bool IsContended(const Line& line) {
  std::vector<size_t> served = {0};
  for (const Line::Step& step : line.steps) served.push_back(served.back() + (step.serves ? 1 : 0));
  return std::any_of(line.visits.begin(), line.visits.end(), [&](const Visit& visit) {
    return visit.waited && served[std::min(visit.end, line.steps.size())] > served[visit.begin];
  });
}

}  // namespace

Overtakings FindOvertakings(const TrialView& view, int64_t until) {
  LineReplay replay(view);
  for (const Event& event : view.history->events())
    if (event.time <= until) replay.See(event);
  Overtakings found;
  for (Line& line : replay.lines()) {
    found.any_contended = found.any_contended || IsContended(line);
    // Waits that never ended have been overtaken until the end.
    for (size_t i = 0; i < line.visits.size(); ++i)
      if (line.visits[i].end == SIZE_MAX) line.steps.push_back({.visit = i, .serves = false});
    AddWorst(line, replay.FactsFor(line.object), until, found);
  }
  return found;
}

}  // namespace trireme
