#include "harness/check/fault_log.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "harness/base/sha256.h"
#include "harness/check/applied_faults.h"

namespace trireme {
namespace {

// How often these are called is the runtime's choice, not the workload's.
constexpr std::array<std::string_view, 7> kCallsOfTheRuntime = {
    "epoll_wait", "malloc", "thread", "fork", "socket", "getaddrinfo", "close"};

const Json& PlanOf(const std::vector<Json>& plan, const AppliedFault& fault) {
  static const Json none;
  return fault.number >= 1 && fault.number <= plan.size() ? plan[fault.number - 1] : none;
}

// What begins or ends by time is at another byte in each run.
bool IsPlacedByTime(const Json& network) {
  return GetInt(network, "after") > 0 || network.contains("for");
}

bool IsTaskFault(const Json& planned) { return GetMember(planned, "task").is_object(); }

bool IsComparableFault(const AppliedFault& fault, const Json& planned) {
  // A point is numbered in its task, as the program comes to it; which one is the first after a while is a matter of time.
  if (fault.point > 0)
    return IsTaskFault(planned) && GetInt(GetMember(planned, "task"), "after") == 0;
  // What no plan says, but somebody from outside, strikes when it comes.
  if (fault.number == 0 || fault.offset < 0) return false;
  const Json& network = GetMember(planned, "network");
  if (IsOfProxy(fault)) return network.is_object() && !IsPlacedByTime(network);
  if (fault.call.empty()) return false;
  if (std::find(kCallsOfTheRuntime.begin(), kCallsOfTheRuntime.end(), fault.call) !=
      kCallsOfTheRuntime.end())
    return false;
  return fault.direction.empty() || !IsPlacedByCalls(planned);
}

// Which task of a server calls accept, or whether one does, is the runtime's choice: the probe counts by listener, and so
// that is what it struck. What it did to a connection that was accepted has that one's identity.
constexpr std::string_view kListener = "a listener";

constexpr const char* kPointOfTask = "point";  // as LoggedFault.stream.direction
constexpr std::string_view kTaskPrefix = "task ";

std::string WhatItStruck(const TrialView& view, const AppliedFault& fault) {
  const bool connection = fault.connection.find('#') != std::string::npos;
  if (fault.call == "accept" && !connection) return std::string(kListener);
  if (!fault.connection.empty()) return fault.connection;
  const Task* task = view.history->FindTask(fault.task);
  return task != nullptr ? std::string(kTaskPrefix) + task->path : "no task";
}

// What the proxy did to a direction, at the end that reads it: no more than that one got can be known to have passed the
// proxy. Bytes that were written may never have come to it, as a trial ends.
StreamKey ReadEndOf(const AppliedFault& fault) {
  return {.connection = fault.connection,
          .side = fault.direction == "up" ? "server" : "client",
          .direction = "read"};
}

LoggedFault Logged(const TrialView& view, const AppliedFault& fault, const Json& planned) {
  if (fault.point > 0)
    return {.stream = {.connection = WhatItStruck(view, fault),
                       .side = "",
                       .direction = kPointOfTask},
            .offset = fault.point,
            .name = fault.name,
            .action = CanonicalJson(fault.action),
            .event = true,
            .exact = true};
  if (IsOfProxy(fault))
    return {.stream = ReadEndOf(fault),
            .offset = fault.offset,
            .name = fault.name,
            .action = CanonicalJson(fault.action),
            .exact = IsExact(planned),
            .proxied = true};
  const bool event = fault.direction.empty();
  return {.stream = {.connection = WhatItStruck(view, fault),
                     .side = fault.side,
                     .direction = event ? fault.call : fault.direction},
          .offset = fault.offset,
          .name = fault.name,
          .action = CanonicalJson(fault.action),
          .event = event,
          .exact = IsExact(planned)};
}

constexpr std::string_view kTryAgain = R"({"error":"EAGAIN"})";  // as LoggedFault::action

// How far a stream went as far as the log shows; nothing when it is not in it.
std::optional<int64_t> LengthIn(const FaultLog& log, const StreamKey& key) {
  const auto found = log.streams.find(key);
  std::optional<int64_t> length;
  if (found != log.streams.end()) length = std::max<int64_t>(0, found->second.moved);
  if (found != log.streams.end() && found->second.moved >= 0) return length;
  for (const LoggedFault& fault : log.faults)
    if (fault.stream == key && !fault.proxied) length = std::max(length.value_or(0), fault.offset);
  return length;
}

bool HasConnection(const FaultLog& log, const LoggedFault& fault) {
  return std::any_of(log.streams.begin(), log.streams.end(), [&](const auto& stream) {
    return stream.first.connection == fault.stream.connection &&
           stream.first.side == fault.stream.side;
  });
}

std::string KindOf(const FaultLog& log, const LoggedFault& fault) {
  for (const auto& [key, stream] : log.streams)
    if (key.connection == fault.stream.connection && key.side == fault.stream.side)
      return stream.kind;
  return "";
}

// The first byte in which two recorded streams differ; nothing where they do not, or nobody knows.
std::optional<int64_t> FirstDifference(const FaultLog& here, const FaultLog& there,
                                       const StreamKey& key) {
  const auto a = here.streams.find(key);
  const auto b = there.streams.find(key);
  if (a == here.streams.end() || b == there.streams.end()) return std::nullopt;
  if (!a->second.recorded || !b->second.recorded) return std::nullopt;
  const std::string& left = a->second.bytes;
  const std::string& right = b->second.bytes;
  const auto [first, other] = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  if (first == left.end() || other == right.end()) return std::nullopt;
  return first - left.begin();
}

// It came to where the fault was due, and had none. Whether a descriptor waits is the runtime's choice, and only who does not
// wait is told to try again.
FaultLogComparison IsMissing(const LoggedFault& fault, const std::string& what,
                             const std::string& missing) {
  if (fault.action == kTryAgain)
    return {.state = FaultLogState::kDiverged,
            .where = what + " is not " + missing + ", where the call may wait"};
  return {.state = FaultLogState::kDifferent, .where = what + " is not " + missing};
}

// A task that never came there ended before, or its program went another way. One that came there may not have been among those
// that the plan names, where its name, or who was spawned before it, depends on the runtime.
FaultLogComparison ExplainPoint(const LoggedFault& fault, const FaultLog& other,
                                const std::string& missing) {
  using enum FaultLogState;
  const std::string& who = fault.stream.connection;
  const auto last = who.starts_with(kTaskPrefix)
                        ? other.points.find(who.substr(kTaskPrefix.size()))
                        : other.points.end();
  if (last != other.points.end() && last->second >= fault.offset)
    return {.state = kDiverged, .where = fault.InWords() + " did not strike " + missing};
  return {.state = kNotReached, .where = fault.InWords() + " was not reached " + missing};
}

std::map<std::string, int64_t> LastPoints(const TrialView& view) {
  std::map<uint32_t, uint64_t> last;
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kWait) last[event.task] = std::max(last[event.task], event.id);
  std::map<std::string, int64_t> points;
  for (const auto& [number, point] : last)
    if (const Task* task = view.history->FindTask(number); task != nullptr)
      points[task->path] = static_cast<int64_t>(point);
  return points;
}

// A fault that only `owner` has: what `other` did instead.
FaultLogComparison Explain(const LoggedFault& fault, const FaultLog& owner, const FaultLog& other,
                           const std::string& missing) {
  using enum FaultLogState;
  const std::string what = fault.InWords();
  if (fault.stream.direction == kPointOfTask)
    return ExplainPoint(fault, other, missing);
  // How often its listeners accepted nobody recorded: a server may have ended before.
  if (fault.event && fault.stream.connection == kListener)
    return {.state = kDiverged, .where = what + " was not seen " + missing};
  // A runtime whose resolver connects by itself counts that: from then on the same number is another connection.
  if (const std::string kind = KindOf(owner, fault), instead = KindOf(other, fault);
      !kind.empty() && !instead.empty() && kind != instead)
    return {.state = kDiverged,
            .where = "connection " + fault.stream.connection + " is of kind " + instead + ", not " +
                     kind + ", " + missing};
  if (fault.event) {
    if (!HasConnection(owner, fault) || HasConnection(other, fault))
      return IsMissing(fault, what, missing);
    return {.state = kDiverged,
            .where = "connection " + fault.stream.connection + " is not " + missing};
  }
  if (const auto byte = FirstDifference(owner, other, fault.stream); byte && fault.offset >= *byte)
    return {
        .state = kDiverged,
        .where = fault.stream.InWords() + " differs from byte " + std::to_string(*byte) + " on"};
  const std::optional<int64_t> length = LengthIn(other, fault.stream);
  if (length && fault.offset < *length)
    return IsMissing(fault, what, missing);
  const std::string end = std::to_string(length.value_or(0));
  if (fault.exact || (length && length == LengthIn(owner, fault.stream)))
    return {.state = kNotReached, .where = what + " was not reached " + missing};
  return {.state = kDiverged,
          .where = fault.stream.InWords() + " ended after " + end + " bytes " + missing};
}

}  // namespace

std::string LoggedFault::InWords() const {
  if (event)
    return "'" + name + "' in " + stream.direction + " " + std::to_string(offset) + " of " +
           stream.connection;
  return "'" + name + "' at byte " + std::to_string(offset) + " of " + stream.InWords();
}

std::string FaultLog::Text() const {
  std::string text;
  for (const LoggedFault& fault : faults)
    text += fault.stream.connection + '\t' + fault.stream.side + '\t' + fault.stream.direction +
            '\t' + std::to_string(fault.offset) + '\t' + fault.name + '\t' + fault.action + '\n';
  return text;
}

std::string FaultLog::Sha256() const { return trireme::Sha256(Text()); }

FaultLog MakeFaultLog(const TrialView& view) {
  FaultLog log;
  log.streams = ReadStreams(view);
  const std::vector<Json> plan = PlannedFaults(*view.cell);
  for (const Json& fault : plan)
    if (IsExact(fault) && !IsSweep(fault)) log.not_reached.insert(GetString(fault, "name"));
  if (std::any_of(plan.begin(), plan.end(), IsTaskFault)) log.points = LastPoints(view);
  const std::vector<AppliedFault> applied = AppliedFaults(view);
  log.reused = ReusedConnections(view, applied);
  for (const AppliedFault& fault : applied) {
    ++log.applied[fault.name];
    log.not_reached.erase(fault.name);
    const Json& planned = PlanOf(plan, fault);
    if (IsComparableFault(fault, planned)) log.faults.push_back(Logged(view, fault, planned));
  }
  std::sort(log.faults.begin(), log.faults.end());
  return log;
}

FaultLogComparison CompareFaultLogs(const FaultLog& here, const FaultLog& there) {
  FaultLogComparison comparison;
  const auto explain_all = [&](const FaultLog& owner, const FaultLog& other,
                               const std::string& missing) {
    std::vector<LoggedFault> only;
    std::set_difference(owner.faults.begin(), owner.faults.end(), other.faults.begin(),
                        other.faults.end(), std::back_inserter(only));
    for (const LoggedFault& fault : only) {
      FaultLogComparison one = Explain(fault, owner, other, missing);
      if (one.state > comparison.state) comparison = std::move(one);
    }
  };
  explain_all(here, there, "there");
  explain_all(there, here, "here");
  return comparison;
}

}  // namespace trireme
