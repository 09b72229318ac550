#include "harness/check/loop_events.h"

#include <algorithm>
#include <map>
#include <utility>

#include "harness/check/checker.h"
#include "harness/check/stacks.h"

namespace trireme {
namespace {

constexpr double kSecond = 1e9;
constexpr int64_t kLateTick = 10'000'000;

LoopId LoopOf(const Event& event) { return {event.process, event.thread}; }

void ReadStack(const Json& value, Hold& hold) {
  hold.stack = StackIn(value, "stack");
  hold.source = GetString(value, "source");
}

Hold ParseHolds(const Event& event) {
  const Json value = event.Value();
  Hold hold{
      .loop = LoopOf(event), .task = event.task, .found = event.time, .stack = {}, .source = {}};
  hold.wall = std::clamp(GetDouble(value, "seconds"), 0.0, 1e6);
  const double lasted = std::clamp(GetDouble(value, "wall", hold.wall), hold.wall, 1e6);
  hold.begin = event.time - static_cast<int64_t>(lasted * kSecond);
  ReadStack(value, hold);
  return hold;
}

void End(const Event& event, Hold& hold) {
  const Json value = event.Value();
  hold.ended = true;
  hold.end = event.time;
  hold.wall = GetDouble(value, "wall");
  hold.delay = GetDouble(value, "delay");
  hold.cpu = GetDouble(value, "cpu");
  if (hold.stack.empty() && GetMember(value, "stack").is_array()) ReadStack(value, hold);
}

// Whether it began when that was over. The clock of loops is coarse.
bool IsAfter(const Hold& hold, int64_t end) { return hold.begin >= end - kLateTick; }

// The trial's own process lasts to the trial's end, others to their last event.
int64_t LastTime(const TrialView& view, uint32_t process) {
  if (view.begin != nullptr && view.begin->process == process) return view.last_time;
  int64_t last = 0;
  for (const Event& event : view.history->events())
    if (event.process == process) last = std::max(last, event.time);
  return last;
}

void LastToTheEnd(const TrialView& view, Hold& hold) {
  hold.end = std::max(hold.found, LastTime(view, hold.loop.first));
  hold.wall += static_cast<double>(hold.end - hold.found) / kSecond;
}

// Calls function(event, value) for each USAGE event of that key.
template <typename Function>
void ForEachUsage(const TrialView& view, std::string_view key, const Function& function) {
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kUsage && event.key == key) function(event, event.Value());
}

}  // namespace

std::vector<Hold> HoldsOf(const TrialView& view) {
  std::vector<Hold> holds;
  std::map<LoopId, size_t> open;
  std::map<uint32_t, int64_t> ended;  // tasks
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kTaskEnd) ended.try_emplace(event.task, event.time);
    if (event.kind != EventKind::kHold) continue;
    const auto begun = open.find(LoopOf(event));
    if (event.key == "held" && begun != open.end()) {
      End(event, holds[begun->second]);
      open.erase(begun);
    }
    if (event.key != "holds") continue;
    Hold hold = ParseHolds(event);
    const auto end = ended.find(event.task);
    if (view.end != nullptr && IsAfter(hold, view.end->time)) continue;
    if (end != ended.end() && IsAfter(hold, end->second)) continue;
    open[LoopOf(event)] = holds.size();
    holds.push_back(std::move(hold));
  }
  for (const auto& [loop, index] : open) LastToTheEnd(view, holds[index]);
  return holds;
}

std::vector<LoopId> LoopsOf(const TrialView& view) {
  std::vector<LoopId> loops;
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kHold && event.key == "watched") loops.push_back(LoopOf(event));
  return loops;
}

CheckResult JudgeWithoutLoop(const TrialView& view) {
  std::map<LoopId, std::vector<uint32_t>> ran;  // by thread: its tasks, in their order
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kSwitch || event.task == 0) continue;
    std::vector<uint32_t>& tasks = ran[LoopOf(event)];
    if (std::find(tasks.begin(), tasks.end(), event.task) == tasks.end())
      tasks.push_back(event.task);
    else if (tasks.back() != event.task)  // it went back to one that it had left
      return NotExercised("no thread of the trial was seen to be a loop");
  }
  if (ran.size() < 2) return NotExercised("no thread of the trial was a loop");
  return {};
}

std::string Unwatched(const TrialView& view) {
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kWarning && event.key == "loops") {
      const Json text = event.Value();
      return text.is_string() ? text.get<std::string>() : DumpJson(text);
    }
  return "";
}

std::vector<LoopUsage> LoopUsageOf(const TrialView& view) {
  std::vector<LoopUsage> all;
  ForEachUsage(view, "loop", [&](const Event& event, const Json& value) {
    LoopUsage usage{.loop = LoopOf(event), .end = event.time};
    usage.wall = std::clamp(GetDouble(value, "wall"), 0.0, 1e6);
    usage.delay = GetDouble(value, "delay");
    usage.cpu = GetDouble(value, "cpu");
    usage.polls = GetInt(value, "polls");
    usage.found = GetInt(value, "found");
    usage.steps = GetInt(value, "steps");
    usage.moved = GetInt(value, "moved");
    usage.slept = GetInt(value, "slept", -1);
    usage.begin = usage.end - static_cast<int64_t>(usage.wall * kSecond);
    all.push_back(usage);
  });
  return all;
}

std::vector<LoopTask> LoopTasksOf(const TrialView& view) {
  std::vector<LoopTask> all;
  ForEachUsage(view, "task", [&](const Event& event, const Json& value) {
    all.push_back({.loop = LoopOf(event),
                   .time = event.time,
                   .task = event.task,
                   .name = GetString(value, "other_name"),
                   .stack = StackIn(value, "other_stack")});
  });
  return all;
}

std::vector<LoopReady> LoopReadyOf(const TrialView& view) {
  std::vector<LoopReady> all;
  ForEachUsage(view, "ready", [&](const Event& event, const Json& value) {
    const Json& descriptors = GetMember(value, "descriptors");
    LoopReady ready{.loop = LoopOf(event), .time = event.time, .descriptors = {}};
    if (descriptors.is_array()) ready.descriptors.assign(descriptors.begin(), descriptors.end());
    all.push_back(std::move(ready));
  });
  return all;
}

}  // namespace trireme
