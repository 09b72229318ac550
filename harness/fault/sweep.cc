#include "harness/fault/sweep.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/base/strings.h"
#include "harness/fault/system_call.h"
#include "harness/fault/task.h"

namespace trireme {
namespace {

// "1.10.2" comes after "1.9", "1.2#10" after "1.2#9", and "1.2#p10" after "1.2#p9".
std::vector<int64_t> NumbersIn(const std::string& path) {
  std::vector<int64_t> numbers;
  for (const std::string& part : Split(path, '.'))
    for (const std::string& word : Split(part, '#')) {
      const std::string number = word.starts_with('p') ? word.substr(1) : word;
      numbers.push_back(static_cast<int64_t>(ParseUnsigned(number).value_or(0)));
    }
  return numbers;
}

using PointKey = std::tuple<std::string, std::vector<int64_t>, std::string, int64_t>;
using PointMap = std::map<PointKey, Json>;

PointKey KeyOf(const Json& point) {
  const std::string fault = GetString(point, "fault");
  if (point.contains("task"))
    return {fault, NumbersIn(GetString(point, "task")), "", GetInt(point, "point")};
  const std::string connection = GetString(point, "connection");
  return {fault, NumbersIn(connection),
          connection + " " + GetString(point, "side") + " " + GetString(point, "call"),
          GetInt(point, "offset")};
}

// Of what kind it is only who waited there says.
void AddPoint(const Json& point, PointMap& points) {
  const auto [place, is_new] = points.emplace(KeyOf(point), point);
  if (!is_new && GetString(place->second, "kind").empty()) place->second = point;
}

Json ListOf(PointMap&& points) {
  Json list = Json::array();
  for (auto& [key, point] : points) list.push_back(std::move(point));
  return list;
}

// Finds the points of one history.
class PointReader {
 public:
  PointReader(const FaultPlan& plan, const History& history) : history_(history) {
    for (const Fault& fault : plan.faults) {
      if (!IsSweep(fault)) continue;
      if (fault.key == TaskFaultClass().key)
        tasks_.emplace_back(fault.name, ReadTaskFault(fault)->task);
      else
        calls_.insert(fault.name);
    }
  }

  PointMap Read() {
    bool begun = HasNoTasks();
    for (const Event& event : history_.events()) {
      begun = begun || event.kind == EventKind::kTaskStart;
      if (!begun) continue;
      if (event.kind == EventKind::kWait && event.id != 0) AddWait(event);
      if (event.kind == EventKind::kFault) AddNoted(event);
    }
    return std::move(points_);
  }

 private:
  // As a program has that knows nothing of runtimes.
  bool HasNoTasks() const {
    return std::none_of(history_.events().begin(), history_.events().end(),
                        [](const Event& event) { return event.kind == EventKind::kTaskStart; });
  }

  void AddWait(const Event& event) {
    const Task* task = history_.FindTask(event.task);
    if (task == nullptr) return;
    for (const auto& [fault, glob] : tasks_)
      if (GlobMatches(glob, task->path) || GlobMatches(glob, task->name))
        Add({{"fault", fault},
             {"task", task->path},
             {"name", task->name},
             {"point", event.id},
             {"kind", std::string(event.key)}});
  }

  // That a task comes to a point is for its program to say, and whether it waits there for the schedule.
  void AddNoted(const Event& event) {
    if (calls_.contains(std::string(event.key))) AddCall(event);
    const Task* task = history_.FindTask(event.task);
    if (task == nullptr) return;
    for (const auto& [fault, glob] : tasks_)
      if (fault == event.key)
        Add({{"fault", fault},
             {"task", task->path},
             {"name", task->name},
             {"point", GetInt(event.Value(), "point")},
             {"kind", ""}});
  }

  void AddCall(const Event& event) {
    Json point = event.Value();
    if (!point.is_object()) return;
    point.erase("do");
    point["fault"] = std::string(event.key);
    Add(std::move(point));
  }

  void Add(const Json& point) { AddPoint(point, points_); }

  const History& history_;
  std::vector<std::pair<std::string, std::string>> tasks_;  // name of the fault, glob over tasks
  std::set<std::string> calls_;                             // names of the faults
  PointMap points_;
};

void StrikeAt(const Json& point, Fault& fault) {
  if (fault.key == TaskFaultClass().key) {
    const char* what = fault.members.contains("timeout") ? "timeout" : "cancel";
    fault.members = {{what, GetString(point, "task")}, {"point", GetInt(point, "point")}};
    return;
  }
  Json place = PlaceOfCall(point);
  for (const char* key : {"after", "for"})
    if (fault.at.contains(key)) place[key] = fault.at.at(key);
  fault.at = std::move(place);
}

}  // namespace

bool IsSweep(const Fault& fault) {
  if (fault.key == TaskFaultClass().key) {
    const Result<TaskFault> read = ReadTaskFault(fault);
    return read.ok() && read->every_point;
  }
  if (fault.key != SystemCallFaultClass().key) return false;
  const Result<SystemCallFault> read = ReadSystemCallFault(fault);
  return read.ok() && read->every_point;
}

Json PointsOfTrial(const FaultPlan& plan, const History& history) {
  return ListOf(PointReader(plan, history).Read());
}

Json MergedPoints(const Json& points, const Json& more) {
  PointMap merged;
  for (const Json* list : {&points, &more})
    for (const Json& point : *list) AddPoint(point, merged);
  return ListOf(std::move(merged));
}

FaultPlan FaultsAtPoint(FaultPlan plan, const Json& point) {
  for (Fault& fault : plan.faults)
    if (fault.name == GetString(point, "fault") && IsSweep(fault)) StrikeAt(point, fault);
  return plan;
}

std::string DescribePoint(const Json& point) {
  if (point.contains("task")) {
    const std::string kind = GetString(point, "kind");
    return GetString(point, "task") + " (" + GetString(point, "name") + ") at point " +
           std::to_string(GetInt(point, "point")) + (kind.empty() ? "" : ", " + kind);
  }
  const std::string call = GetString(point, "call");
  const std::string place = std::to_string(GetInt(point, "offset"));
  const bool bytes = point.contains("direction");
  return call + " of " + GetString(point, "connection") +
         (HasSides(call) ? ", " + GetString(point, "side") : "") +
         (bytes ? ", at byte " + place : ", number " + place);
}

}  // namespace trireme
