#include "harness/history/jsonl.h"

#include <algorithm>

#include "harness/base/strings.h"

namespace trireme {
namespace {

Json TaskName(const History& history, uint64_t number) {
  if (number == 0) return nullptr;
  const Task* task =
      number <= UINT32_MAX ? history.FindTask(static_cast<uint32_t>(number)) : nullptr;
  return task != nullptr ? task->path : "#" + std::to_string(number);
}

void AddValueMembers(Json value, Json* line) {
  if (!value.is_object()) {
    (*line)["value"] = std::move(value);
    return;
  }
  for (auto& [name, member] : value.items()) line->emplace(name, std::move(member));
}

bool IsWaitForTask(const Event& event) {
  return event.kind == EventKind::kWait && event.key == "join" && event.type == ValueType::kInt;
}

uint64_t WaitedFor(const Event& event) {
  const Json number = event.Value();
  return number.is_number_integer() ? number.get<uint64_t>() : 0;
}

void AddMetric(const Json& value, Json* line) {
  const bool pair = value.is_array() && value.size() == 2;
  (*line)["value"] = pair ? value[0] : value;
  (*line)["unit"] = pair ? value[1] : Json();
}

// "client read", with bytes or the kind of close.
void AddWire(const Event& event, Json* line) {
  const size_t space = std::min(event.key.find(' '), event.key.size());
  (*line)["number"] = event.id;
  (*line)["side"] = ToValidUtf8(event.key.substr(0, space));
  (*line)["direction"] = ToValidUtf8(event.key.substr(std::min(space + 1, event.key.size())));
  (*line)[event.type == ValueType::kInt ? "close" : "bytes"] = event.Value();
}

void AddMembers(const History& history, const Event& event, Json* line) {
  const auto add = [&](const char* key_name, const char* value_name) {
    (*line)[key_name] = ToValidUtf8(event.key);
    if (value_name != nullptr) (*line)[value_name] = event.Value();
  };
  switch (event.kind) {
    case EventKind::kInvoke:
    case EventKind::kOk:
    case EventKind::kFail:
    case EventKind::kInfo:
      (*line)["op"] = ToValidUtf8(event.key);
      (*line)["id"] = event.id;
      (*line)["value"] = event.Value();
      return;
    case EventKind::kBegin:
      (*line)["value"] = event.Value();
      return;
    case EventKind::kEnd:
      return add("state", "error");
    case EventKind::kObserve:
      return add("key", "value");
    case EventKind::kOutcome:
      return add("name", nullptr);
    case EventKind::kMetric:
      add("name", nullptr);
      return AddMetric(event.Value(), line);
    case EventKind::kWarning:
      return add("category", "value");
    case EventKind::kTaskStart:
      (*line)["name"] = event.Value();
      (*line)["parent"] = TaskName(history, event.id);
      return;
    case EventKind::kTaskEnd:
      return add("state", "error");
    case EventKind::kSwitch:
      (*line)["from"] = TaskName(history, event.id);
      return;
    case EventKind::kWait:
    case EventKind::kWake:
    case EventKind::kDeadline:
      (*line)["kind"] = ToValidUtf8(event.key);
      (*line)["ordinal"] = event.id;
      (*line)["value"] = event.Value();
      if (IsWaitForTask(event)) (*line)["value"] = TaskName(history, WaitedFor(event));
      return;
    case EventKind::kProcess:
      (*line)["parent"] = event.id;
      (*line)["value"] = event.Value();
      return;
    case EventKind::kException:
      return add("where", "error");
    case EventKind::kCensus:
      return add("kind", "value");
    case EventKind::kExit:
      return add("state", "value");
    case EventKind::kJoin:
    case EventKind::kCancel:
      (*line)["target"] = TaskName(history, event.id);
      return;
    case EventKind::kSocket:
      if (!event.key.empty()) {
        (*line)["action"] = ToValidUtf8(event.key);
        (*line)["object"] = event.id;
      }
      return AddValueMembers(event.Value(), line);
    case EventKind::kSync:
      (*line)["object"] = event.id;
      return add("action", "value");
    case EventKind::kHold:
      return add("state", "value");
    case EventKind::kUsage:
      return add("what", "value");
    case EventKind::kFault:
      // Before a fault had a number in its plan, its name was a member of its value.
      if (event.id != 0) (*line)["number"] = event.id;
      if (!event.key.empty()) (*line)["name"] = ToValidUtf8(event.key);
      return AddValueMembers(event.Value(), line);
    case EventKind::kConnection:
      (*line)["number"] = event.id;
      (*line)["action"] = ToValidUtf8(event.key);
      return AddValueMembers(event.Value(), line);
    case EventKind::kWire:
      return AddWire(event, line);
  }
  // Of a later version.
  (*line)["number"] = static_cast<uint16_t>(event.kind);
  (*line)["id"] = event.id;
  add("key", "value");
}

}  // namespace

Json EventToJson(const TrialLabel& label, const History& history, const Event& event) {
  Json line = Json::object();
  line["cell"] = label.cell;
  line["scenario"] = label.scenario;
  line["runtime"] = label.runtime;
  line["interpreter"] = label.interpreter.empty() ? Json() : Json(label.interpreter);
  line["trial"] = label.trial;
  line["t"] = event.time;
  line["process"] = event.process;
  line["thread"] = event.thread;
  line["task"] = TaskName(history, event.task);
  line["event"] = EventName(event.kind);
  AddMembers(history, event, &line);
  return line;
}

void PrintHistory(const TrialLabel& label, const History& history,
                  const std::function<void(std::string_view)>& write) {
  for (const Event& event : history.events())
    write(DumpJson(EventToJson(label, history, event)) + '\n');
}

}  // namespace trireme
