#include "harness/check/wait_snapshot.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "harness/base/strings.h"

namespace trireme {
namespace {

using Index = WaitGraph::Index;

class SnapshotReader {
 public:
  explicit SnapshotReader(const Event& event) : event_(event), value_(event.Value()) {}

  WaitSnapshot Read() {
    snapshot_.graph.until = event_.time;
    for (const Json& task : GetMember(value_, "tasks")) AddTask(task);
    for (const Json& object : GetMember(value_, "objects")) AddObject(object);
    for (const Json& task : GetMember(value_, "tasks")) AddWait(task);
    if (GetBool(value_, "others", true)) Add({.process = event_.process, .started = true});
    return std::move(snapshot_);
  }

 private:
  Index Add(WaitGraph::Actor actor) {
    snapshot_.graph.actors.push_back(std::move(actor));
    snapshot_.stacks.emplace_back();
    snapshot_.threads.push_back(0);
    return static_cast<Index>(snapshot_.graph.actors.size() - 1);
  }

  void AddTask(const Json& json) {
    const auto number = static_cast<uint32_t>(GetInt(json, "task"));
    if (tasks_.contains(number)) return;
    const Index actor = Add({.process = event_.process,
                             .task = number,
                             .started = true,
                             .ended = GetBool(json, "ended"),
                             .cancelled = std::nullopt,
                             .wait = std::nullopt,
                             .holdings = {}});
    tasks_[number] = actor;
    snapshot_.graph.home.try_emplace(number, actor);
    snapshot_.threads[actor] = GetInt(json, "thread");
    for (const Json& frame : GetMember(json, "stack"))
      if (frame.is_string()) snapshot_.stacks[actor].push_back(frame.get<std::string>());
  }

  void AddObject(const Json& json) {
    const auto index = static_cast<Index>(snapshot_.graph.objects.size());
    snapshot_.graph.objects.push_back({.process = event_.process,
                                       .number = index,
                                       .facts = {.kind = GetString(json, "kind"),
                                                 .place = GetString(json, "place"),
                                                 .size = GetInt(json, "size")},
                                       .made = true,
                                       .holders = {}});
    WaitGraph::Object& object = snapshot_.graph.objects.back();
    for (const Json& holder : GetMember(json, "holders")) {
      const auto task = tasks_.find(static_cast<uint32_t>(GetInt(holder, "task")));
      if (task == tasks_.end()) continue;
      object.holders[task->second] = 1;
      object.places[task->second] = GetString(holder, "place");
      ++object.taken;
      snapshot_.graph.actors[task->second].holdings[index] = 1;
    }
    if (GetString(json, "kind") == "queue") object.items = GetInt(json, "items");
  }

  void AddWait(const Json& json) {
    const Json& wait = GetMember(json, "wait");
    const auto task = tasks_.find(static_cast<uint32_t>(GetInt(json, "task")));
    if (!wait.is_object() || task == tasks_.end()) return;
    WaitGraph::Wait made{.kind = WaitKindOf(GetString(wait, "kind")),
                         .name = GetString(wait, "kind"),
                         .since = event_.time - GetInt(wait, "for_ns")};
    const int64_t object = GetInt(wait, "object", -1);
    if (object >= 0 && object < static_cast<int64_t>(snapshot_.graph.objects.size()))
      made.object = static_cast<Index>(object);
    if (const auto target = tasks_.find(static_cast<uint32_t>(GetInt(wait, "target")));
        target != tasks_.end())
      made.target = target->second;
    WaitGraph::Actor& actor = snapshot_.graph.actors[task->second];
    if (made.kind == WaitKind::kCondition) actor.condition = made.object;
    actor.wait = std::move(made);
  }

  const Event& event_;
  const Json value_;
  WaitSnapshot snapshot_;
  std::unordered_map<uint32_t, Index> tasks_;
};

}  // namespace

Participant WaitSnapshot::ParticipantOf(const TrialView& view, WaitGraph::Index actor) const {
  return {.task = view.TaskName(graph.actors[actor].task),
          .thread = threads[actor],
          .stack = stacks[actor]};
}

bool IsSnapshot(const Event& event) {
  return event.kind == EventKind::kSync && event.id == 0 && event.key == "snapshot";
}

WaitSnapshot ReadSnapshot(const Event& event) { return SnapshotReader(event).Read(); }

bool HasSnapshots(const TrialView& view) {
  return std::any_of(view.history->events().begin(), view.history->events().end(), IsSnapshot);
}

}  // namespace trireme
