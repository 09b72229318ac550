#include "harness/check/applied_faults.h"

#include <algorithm>
#include <array>

namespace trireme {
namespace {

// Of a network, of clocks, of limits: these are of everything that comes while they last. What is of one connection (a link that
// is half open) is over at once: there are others.
constexpr std::array<const char*, 12> kLasting = {"latency", "jitter",  "bandwidth", "slice",
                                                  "rate",    "late",    "nofile",    "memory",
                                                  "stack",   "threads", "disk",      "cpu"};

bool Lasts(const AppliedFault& fault) {
  return SignalOf(fault) == "STOP" ||
         std::any_of(kLasting.begin(), kLasting.end(), [&](const char* action) {
           return !GetMember(fault.action, action).is_null();
         });
}

// How long its effect lasts by what it does; nanoseconds.
int64_t LastsFor(const Json& action) {
  constexpr double kLongest = 1e9;  // seconds; a damaged history may say anything
  const double seconds = GetDouble(action, "delay", GetDouble(action, "stall"));
  return seconds > 0 && seconds < kLongest ? static_cast<int64_t>(seconds * 1e9) : 0;
}

AppliedFault FaultOf(const Event& event, const Json& value) {
  AppliedFault fault{.number = event.id,
                     .name = event.key.empty() ? GetString(value, "name") : std::string(event.key),
                     .action = GetMember(value, "do"),
                     .call = GetString(value, "call"),
                     .side = GetString(value, "side"),
                     .connection = GetString(value, "connection"),
                     .direction = GetString(value, "direction"),
                     .offset = GetInt(value, "offset", -1),
                     .point = GetInt(value, "point"),
                     .time = event.time,
                     .end = event.time,
                     .task = event.task,
                     .process = event.process,
                     .thread = event.thread};
  fault.end += LastsFor(fault.action);
  fault.lasts = Lasts(fault);
  return fault;
}

// A call that is tried again for ever, as Python does with one that was interrupted, suffers millions of the same.
bool IsAgain(const Event& event, const Event& last) {
  return event.id == last.id && event.task == last.task && event.process == last.process &&
         event.thread == last.thread && event.type == last.type &&
         event.key == last.key && event.raw == last.raw;
}

AppliedFault AtTime(AppliedFault fault, int64_t time) {
  fault.end = time + (fault.end - fault.time);
  fault.time = time;
  return fault;
}

// Of a limit: whether none of what it is to limit could be, or had more.
bool DidNothing(const Json& fault) {
  const Json& action = GetMember(fault, "do");
  const size_t limits = action.size() - (action.contains("for") ? 1 : 0);
  return GetMember(fault, "failed").size() >= limits && limits > 0;
}

// By the probe, which could not do one as it was planned, or by the proxy, which served a connection otherwise than the plan says.
bool IsWarningOfFaults(const Event& event) {
  return event.kind == EventKind::kWarning && (event.key == "faults" || event.key == "network");
}

bool IsSystemCallFault(const Json& fault) { return !GetMember(fault, "do").is_null(); }

}  // namespace

std::vector<AppliedFault> AppliedFaults(const TrialView& view) {
  std::vector<AppliedFault> faults;
  const Event* last = nullptr;  // that began the last of `faults`
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kFault) continue;
    if (last != nullptr && IsAgain(event, *last)) {
      faults.push_back(AtTime(faults.back(), event.time));
      continue;
    }
    last = nullptr;
    const Json value = event.Value();  // of tens of thousands in a trial: parsed once
    if (DidNothing(value)) continue;
    AppliedFault fault = FaultOf(event, value);
    if (!GetBool(value, "over")) {
      faults.push_back(std::move(fault));
      last = &event;
      continue;
    }
    const auto begun = std::find_if(faults.rbegin(), faults.rend(), [&](const AppliedFault& known) {
      return known.number == fault.number && known.name == fault.name &&
             known.connection == fault.connection;
    });
    if (begun == faults.rend()) continue;
    begun->end = std::max(begun->end, fault.time);
    begun->lasts = false;
  }
  return faults;
}

std::set<std::string> FaultProblems(const TrialView& view) {
  std::set<std::string> problems;
  for (const Event& event : view.history->events()) {
    if (IsWarningOfFaults(event)) {
      const Json text = event.Value();
      if (text.is_string()) problems.insert(text.get<std::string>());
    }
    // A trial may have tens of thousands that were done.
    if (event.kind != EventKind::kFault || event.raw.find("\"failed\"") == std::string_view::npos)
      continue;
    for (const std::string& text : TextsOf(GetMember(event.Value(), "failed")))
      problems.insert("fault '" + std::string(event.key) + "': " + text);
  }
  return problems;
}

std::set<std::string> NamesOfAppliedFaults(const TrialView& view) {
  std::set<std::string> names;
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kFault || names.contains(std::string(event.key))) continue;
    // Of one that is over nothing is told that its beginning did not tell.
    const Json value = event.Value();
    if (!GetBool(value, "over"))
      names.insert(event.key.empty() ? GetString(value, "name") : std::string(event.key));
  }
  return names;
}

std::string SignalOf(const AppliedFault& fault) {
  std::string signal = GetString(fault.action, "signal");
  return signal.starts_with("SIG") ? signal.substr(3) : signal;
}

std::string DescribeFault(const AppliedFault& fault) {
  std::string text = "'" + fault.name + "'";
  if (fault.action.is_object() && !fault.action.empty()) {
    const Json& amount = fault.action.begin().value();
    text += " (" + fault.action.begin().key();
    if (!amount.is_boolean())
      text += " " + (amount.is_string() ? amount.get<std::string>() : DumpJson(amount));
    text += ")";
  }
  if (fault.connection.empty()) return text;
  if (fault.direction.empty()) return text + " in " + fault.call + " of " + fault.connection;
  const std::string end = fault.side.empty() ? "" : fault.side + " ";
  return text + " at byte " + std::to_string(fault.offset) + " of " + end + fault.direction +
         " of " + fault.connection;
}

std::vector<Json> PlannedFaults(const Json& cell) {
  const Json& plan = GetMember(cell, "fault_plan");
  const Json& all = GetMember(plan, "all");
  std::vector<Json> faults;
  if (!all.is_array()) return faults;
  for (const Json& fault : all) faults.push_back(fault);
  return faults;
}

bool HasFaultPlan(const Json& cell) {
  const Json& names = GetMember(cell, "faults");
  return !PlannedFaults(cell).empty() || (names.is_array() && !names.empty() && names[0] != "none");
}

bool IsSweep(const Json& fault) {
  return IsSystemCallFault(fault) && GetMember(GetMember(fault, "at"), "sweep").is_string();
}

bool IsExact(const Json& fault) {
  if (IsSweep(fault)) return true;
  if (IsSystemCallFault(fault)) return GetMember(GetMember(fault, "at"), "offset").is_number();
  const Json& network = GetMember(fault, "network");
  return GetMember(network, "offset").is_number() || GetMember(network, "cut").is_number();
}

bool IsOfProxy(const AppliedFault& fault) {
  return fault.call.empty() && (fault.direction == "up" || fault.direction == "down");
}

bool IsPlacedByCalls(const Json& fault) {
  const Json& at = GetMember(fault, "at");
  if (!IsSystemCallFault(fault) || IsSweep(fault)) return false;
  return GetMember(at, "offset").is_null() && GetMember(at, "every").is_null() &&
         GetMember(at, "probability").is_null();
}

}  // namespace trireme
