#include "harness/check/trial_view.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>

#include "harness/base/strings.h"

namespace trireme {
namespace {

std::optional<int64_t> OptionalInt(const Json& object, const char* key) {
  const Json& member = GetMember(object, key);
  if (!member.is_number_integer()) return std::nullopt;
  return member.get<int64_t>();
}

TrialExit ParseExit(const Event& event) {
  const Json value = event.Value();
  TrialExit exit;
  exit.present = true;
  exit.how = std::string(event.key);
  exit.code = OptionalInt(value, "code");
  exit.signal = OptionalInt(value, "signal");
  exit.memory_limit = OptionalInt(value, "memory_limit");
  exit.timeout = GetInt(value, "timeout_ns");
  exit.seconds = GetDouble(value, "seconds");
  exit.user = GetDouble(value, "user");
  exit.system = GetDouble(value, "system");
  exit.rss = GetInt(value, "rss");
  exit.memory_exceeded = GetBool(value, "memory_exceeded");
  exit.recording_lost = GetBool(value, "recording_lost");
  exit.protocol_error = GetString(value, "protocol_error");
  if (const Json& orphans = GetMember(value, "orphans"); orphans.is_array()) exit.orphans = orphans;
  return exit;
}

constexpr std::array<std::string_view, 4> kEnds = {"returned", "raised", "unsupported",
                                                   "suspended"};
constexpr std::array<std::string_view, 5> kExits = {"exited", "signalled", "timeout", "interrupted",
                                                    "vanished"};

std::string WhatIsImpossible(const Event& event, bool ended) {
  const auto among = [&](const auto& words) {
    return std::find(words.begin(), words.end(), event.key) != words.end();
  };
  if (event.kind == EventKind::kEnd && !among(kEnds))
    return "the end of the trial is none: '" + ToValidUtf8(event.key) + "'";
  if (event.kind == EventKind::kExit && !among(kExits))
    return "the exit of the trial is none: '" + ToValidUtf8(event.key) + "'";
  if (!ended && EventName(event.kind) == EventName(EventKind{}))
    return "it has no end of the trial, but a record of kind " +
           std::to_string(static_cast<int>(event.kind)) + ", which is none";
  return "";
}

struct Lifetime {
  int64_t begin = INT64_MAX, end = INT64_MIN;
  bool started = false, ended = false;
};

bool IsStackOf(const TaskStack& stack, const Task* task, const std::string& name) {
  if (stack.task.empty()) return false;
  return stack.task == name || (task != nullptr && stack.task == task->path);
}

}  // namespace

std::string TrialError::Family() const {
  return number ? family + " (errno " + std::to_string(*number) + ")" : family;
}

std::string TrialError::Text() const { return message.empty() ? type : type + ": " + message; }

std::optional<TrialError> ParseError(const Json& value) {
  if (!GetMember(value, "error").is_string() || !GetMember(value, "family").is_string())
    return std::nullopt;
  TrialError error{.type = GetString(value, "error"),
                   .family = GetString(value, "family"),
                   .number = OptionalInt(value, "errno"),
                   .message = GetString(value, "message"),
                   .stack = {},
                   .after = GetString(value, "after")};
  if (const Json& stack = GetMember(value, "stack"); stack.is_array()) {
    for (const Json& frame : stack) {
      if (frame.is_string()) error.stack.push_back(frame.get<std::string>());
    }
  }
  return error;
}

std::string TrialView::TaskName(uint32_t task) const {
  const Task* found = history->FindTask(task);
  if (found == nullptr) return task == 0 ? "main" : "task " + std::to_string(task);
  if (!found->name.empty()) return found->name;
  if (found->path == "1") return "main";
  return "task " + (found->path.empty() ? std::to_string(task) : found->path);
}

Participant TrialView::ParticipantOf(uint32_t task) const {
  Participant participant{.task = TaskName(task), .thread = 0, .stack = {}};
  const Task* found = history->FindTask(task);
  for (const TaskStack& stack : stacks) {
    if (!IsStackOf(stack, found, participant.task)) continue;
    participant.thread = stack.thread;
    participant.stack = stack.frames;
    break;
  }
  return participant;
}

Finding TrialView::MakeFinding(const std::string& check, const std::string& kind,
                               const std::string& subject, std::string message,
                               std::vector<Participant> participants) const {
  Finding finding;
  finding.check = check;
  finding.kind = kind;
  finding.message = std::move(message);
  finding.signature = Signature(kind, scenario() + '\n' + subject, participants);
  finding.participants = std::move(participants);
  return finding;
}

bool IsWork(const Event& event) {
  switch (event.kind) {
    case EventKind::kInvoke:
    case EventKind::kOk:
    case EventKind::kFail:
    case EventKind::kInfo:
    case EventKind::kObserve:
    case EventKind::kTaskStart:
    case EventKind::kSocket:
      return true;
    default:
      return false;
  }
}

TrialView MakeTrialView(const History& history, const Json& cell, const std::string& stacks_text) {
  TrialView view;
  view.history = &history;
  view.cell = &cell;
  view.operations = history.Operations();
  view.stacks = ParseStacks(stacks_text);
  for (const Event& event : history.events()) {
    if (event.kind == EventKind::kBegin && view.begin == nullptr) view.begin = &event;
    if (event.kind == EventKind::kEnd && view.end == nullptr) view.end = &event;
    if (event.kind == EventKind::kExit) view.exit = ParseExit(event);
    view.last_time = std::max(view.last_time, event.time);
  }
  return view;
}

std::string ImpossibleRecord(const TrialView& view) {
  for (const Event& event : view.history->events())
    if (std::string why = WhatIsImpossible(event, view.end != nullptr); !why.empty()) return why;
  return "";
}

bool AnyConcurrent(const TrialView& view, const std::set<uint32_t>& tasks) {
  std::map<uint32_t, Lifetime> by_task;
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kExit || !tasks.contains(event.task)) continue;
    Lifetime& life = by_task[event.task];
    life.begin = std::min(life.begin, event.time);
    life.end = std::max(life.end, event.time);
    life.started |= event.kind == EventKind::kTaskStart;
    life.ended |= event.kind == EventKind::kTaskEnd;
  }
  std::vector<Lifetime> lives;
  for (const auto& [task, life] : by_task) lives.push_back(life);
  std::sort(lives.begin(), lives.end(),
            [](const Lifetime& a, const Lifetime& b) { return a.begin < b.begin; });
  int64_t latest_end = INT64_MIN;
  for (const Lifetime& life : lives) {
    if (life.begin < latest_end) return true;
    latest_end = std::max(latest_end, life.started && !life.ended ? INT64_MAX : life.end);
  }
  return false;
}

std::string LostInWords(const History& history) {
  const std::string why =
      history.lost_errno() == 0 ? "" : std::string(": ") + std::strerror(history.lost_errno());
  return Count(static_cast<int64_t>(history.lost()), "event") + " could not be recorded" + why;
}

std::string Count(int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace trireme
