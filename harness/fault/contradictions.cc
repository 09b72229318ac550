#include "harness/fault/contradictions.h"

#include <signal.h>

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/fault/class_table.h"
#include "harness/fault/network.h"
#include "harness/fault/precedence.h"
#include "harness/fault/process.h"
#include "harness/fault/resource.h"
#include "harness/fault/system_call.h"
#include "harness/fault/task.h"
#include "harness/fault/time.h"

namespace trireme {
namespace {

// Of whose kind two may exclude each other at one place.
bool IsFinal(const SystemCallFault& fault) {
  return fault.action == TRIREME_DO_RESET || fault.action == TRIREME_DO_CLOSE ||
         fault.action == TRIREME_DO_STALL || fault.action == TRIREME_DO_ERROR;
}

// From `after` on, until `until`; 0: for ever.
template <typename A>
bool OverlapInTime(const A& a, const A& b) {
  return (a.until == 0 || b.after < a.until) && (b.until == 0 || a.after < b.until);
}

// "*" is every connection, as no glob is.
std::string GlobOf(const SystemCallFault& fault) {
  return fault.connection.find_first_not_of('*') == std::string::npos ? "" : fault.connection;
}

// At one place for certain, where connection, kind and place are equal: where chance decides, or a limit, they need
// not meet.
bool AreAtOnePlace(const SystemCallFault& a, const SystemCallFault& b) {
  return (a.calls & b.calls) != 0 && (a.sides & b.sides) != 0 && a.when != TRIREME_WHEN_CHANCE &&
         a.times == b.times && a.total == b.total && OverlapInTime(a, b);
}

// Of a connection, for certain: what read and write move may be a file's, which is whole after any error.
bool EndsConnection(const SystemCallFault& fault, uint32_t calls) {
  constexpr uint32_t kOfSockets = 1U << TRIREME_CALL_RECV | 1U << TRIREME_CALL_SEND |
                                  1U << TRIREME_CALL_CONNECT | 1U << TRIREME_CALL_ACCEPT;
  return PrecedenceOf(fault.action, fault.error) == Precedence::kEnd &&
         (fault.action != TRIREME_DO_ERROR || (calls & kOfSockets) != 0);
}

// An accept counts its own errors by its listener, and what befalls the connection that it takes by that.
bool IsOfListener(const SystemCallFault& fault) {
  return fault.action == TRIREME_DO_ERROR && fault.error != ECONNABORTED &&
         fault.error != EPROTO && fault.error != ECONNRESET;
}

// Of two at one place of these calls: whether one can never happen, or they want a connection to stand still and to end. Errors
// after which it is whole come in turn, each to a call of its own, before an end; but a call that is an event is over with one.
bool ExcludeAtOnePlace(const SystemCallFault& a, const SystemCallFault& b, uint32_t calls) {
  const bool both_end = EndsConnection(a, calls) && EndsConnection(b, calls);
  const bool one_ends = EndsConnection(a, calls) || EndsConnection(b, calls);
  const bool a_stalls = a.action == TRIREME_DO_STALL, b_stalls = b.action == TRIREME_DO_STALL;
  if (a_stalls || b_stalls) return one_ends;
  constexpr uint32_t kAccept = 1U << TRIREME_CALL_ACCEPT;
  const uint32_t events = calls & ~kTransferCalls;
  if ((events & ~kAccept) != 0 || ((events & kAccept) != 0 && IsOfListener(a) == IsOfListener(b)))
    return true;
  return (calls & kTransferCalls) != 0 && both_end;
}

bool DoTheSame(const SystemCallFault& a, const SystemCallFault& b) {
  return a.action == b.action && a.amount == b.amount && a.error == b.error;
}

Diagnostic Contradicts(const Fault& fault, const Fault& other, const std::string& both) {
  return FaultError(fault, "it contradicts fault '" + other.name + "': " + both,
                    "move one of them, or make two plans");
}

Diagnostic NeverComesToIt(const Fault& fault, const SystemCallFault& what, const Fault& other) {
  if ((what.calls & kTransferCalls) != 0)
    return FaultError(fault,
                      "it can never apply: fault '" + other.name +
                          "' ends the same connections before they come so far",
                      "move one of them, or make two plans");
  return FaultError(
      fault, "it can never apply: fault '" + other.name + "' fails the same calls first",
      "put it before that one: of two errors of one call the first in the plan stands");
}

Status CheckSystemCalls(const FaultPlan& plan) {
  // By what has to be equal, for a plan that was made of a log is long.
  using Before = std::vector<std::pair<const Fault*, SystemCallFault>>;
  std::map<std::tuple<std::string, int, uint64_t>, Before> all;
  for (const Fault& fault : plan.faults) {
    if (fault.key != "do") continue;
    TRIREME_ASSIGN_OR_RETURN(const SystemCallFault what, ReadSystemCallFault(fault));
    if (!IsFinal(what) || what.every_point) continue;  // of sweeps each trial has one point
    Before& before = all[{GlobOf(what), what.when, what.place}];
    for (const auto& [other, that] : before)
      if (!DoTheSame(what, that) && AreAtOnePlace(what, that) &&
          ExcludeAtOnePlace(what, that, what.calls & that.calls))
        return Contradicts(fault, *other, "both hit the same place of the same connections");
    before.emplace_back(&fault, what);
  }
  return Done{};
}

// Those that may leave no place for others are few, and a plan that was made of a log is long.
Status CheckPlacesTaken(const FaultPlan& plan) {
  struct Place {
    const Fault* fault;
    SystemCallFault what;
    size_t number;
  };
  std::vector<Place> all;
  std::map<std::string, std::vector<Place>> taking;  // by their globs
  for (const Fault& fault : plan.faults) {
    if (fault.key != SystemCallFaultClass().key) continue;
    TRIREME_ASSIGN_OR_RETURN(const SystemCallFault what, ReadSystemCallFault(fault));
    if (what.every_point) continue;
    all.push_back({&fault, what, all.size()});
    if (MayTakePlaces(what)) taking[GlobOf(what)].push_back(all.back());
  }
  for (const Place& one : all) {
    const std::string own = GlobOf(one.what);
    for (const std::string& glob : own.empty() ? std::vector{own} : std::vector{own, std::string()})
      for (const Place& other : taking[glob])
        if (TakesEachPlaceOf(other.what, one.what, other.number < one.number))
          return NeverComesToIt(*one.fault, one.what, *other.fault);
  }
  return Done{};
}

// What becomes of a connection in the end, and where. A close at no byte ends both directions.
struct ConnectionEnd {
  enum class How { kFin, kRst, kHalfOpen, kHalfClose };
  const Fault* fault;
  How how;
  std::string connection, to;
  std::optional<int64_t> byte;
  bool up, down;
  int64_t after, until;
};

std::optional<ConnectionEnd> EndOf(const Fault& fault, const NetworkFault& read) {
  using enum ConnectionEnd::How;
  const bool closes = read.close != NetworkFault::Close::kNone;
  if (!closes && !read.half_open && !read.half_close) return std::nullopt;
  const bool fin = read.close == NetworkFault::Close::kFin;
  return ConnectionEnd{
      .fault = &fault,
      .how = closes ? (fin ? kFin : kRst) : (read.half_open ? kHalfOpen : kHalfClose),
      .connection = read.connection,
      .to = read.to ? read.to->ToString() : "",
      .byte = closes ? read.cut : read.offset,
      .up = read.up,
      .down = read.down,
      .after = read.after,
      .until = read.duration == 0 ? 0 : read.after + read.duration};
}

bool Exclude(const ConnectionEnd& a, const ConnectionEnd& b) {
  return a.how != b.how && a.connection == b.connection && a.to == b.to && a.byte == b.byte &&
         ((a.up && b.up) || (a.down && b.down)) && OverlapInTime(a, b);
}

Status CheckNetworks(const FaultPlan& plan) {
  std::vector<ConnectionEnd> ends;
  for (const Fault& fault : plan.faults) {
    if (fault.key != NetworkFaultClass().key) continue;
    TRIREME_ASSIGN_OR_RETURN(const NetworkFault read, ReadNetworkFault(fault));
    const std::optional<ConnectionEnd> end = EndOf(fault, read);
    if (!end) continue;
    for (const ConnectionEnd& other : ends)
      if (Exclude(*end, other))
        return Contradicts(fault, *other.fault,
                           "both end the same connections at the same place, in different ways");
    ends.push_back(*end);
  }
  return Done{};
}

// A task stops once at a point, by the fault that comes first in the plan. With a limit of tasks the other one has the
// rest, and with a time it strikes at the next point.
Status CheckTasks(const FaultPlan& plan) {
  std::map<std::pair<std::string, uint64_t>, std::pair<const Fault*, bool>> all;
  for (const Fault& fault : plan.faults) {
    if (fault.key != TaskFaultClass().key) continue;
    TRIREME_ASSIGN_OR_RETURN(const TaskFault read, ReadTaskFault(fault));
    if (read.point == 0 || read.times != 0) continue;
    const auto [before, added] =
        all.try_emplace({read.task, read.point}, std::pair(&fault, read.timeout));
    if (!added && before->second.second != read.timeout)
      return Contradicts(fault, *before->second.first,
                         "both stop the same tasks at the same point, in different ways");
  }
  return Done{};
}

struct Span {
  int64_t after = 0;
  int64_t until = 0;  // 0: the trial's end
};

Span SpanOf(int64_t after, const std::optional<int64_t>& duration) {
  return {after, duration ? after + *duration : 0};
}

struct LimitWord {
  const char* name;
  std::optional<uint64_t> ResourceFault::*limit;
  bool of_process;  // so that the lower one of two holds for as long as both do
};
constexpr std::array kLimitWords = {LimitWord{"nofile", &ResourceFault::nofile, true},
                                    LimitWord{"memory", &ResourceFault::memory, true},
                                    LimitWord{"stack", &ResourceFault::stack, true},
                                    LimitWord{"threads", &ResourceFault::threads, false},
                                    LimitWord{"disk", &ResourceFault::disk, false}};

// The name of what both limit so that the end of one would end the other; nullptr: nothing. Where one begins as the other one
// ends, either may be a moment late.
const char* SharedLimit(const ResourceFault& a, const ResourceFault& b) {
  const Span one = SpanOf(a.after, a.duration), other = SpanOf(b.after, b.duration);
  const bool touch = (one.until != 0 && one.until == other.after) ||
                     (other.until != 0 && other.until == one.after);
  if (!touch && !OverlapInTime(one, other)) return nullptr;
  for (const LimitWord& word : kLimitWords)
    if (a.*word.limit && b.*word.limit && !word.of_process) return word.name;
  return nullptr;
}

// The load of processors adds up.
Status CheckResources(const FaultPlan& plan) {
  std::vector<std::pair<const Fault*, ResourceFault>> all;
  for (const Fault& fault : plan.faults) {
    if (fault.key != ResourceFaultClass().key) continue;
    TRIREME_ASSIGN_OR_RETURN(const ResourceFault read, ReadResourceFault(fault));
    for (const auto& [other, that] : all)
      if (const char* limit = SharedLimit(read, that); limit != nullptr)
        return Contradicts(fault, *other,
                           "both limit " + std::string(limit) +
                               " at one time, and the end of one would end the other");
    all.emplace_back(&fault, read);
  }
  return Done{};
}

// Jumps add up, as do late timers. Of two speeds neither is the clock's: what both take off may make it run back.
bool SetOneSpeed(const TimeFault& a, const TimeFault& b) {
  return a.rate != 1 && b.rate != 1 &&
         ((a.realtime && b.realtime) || (a.monotonic && b.monotonic)) &&
         OverlapInTime(SpanOf(a.after, a.duration), SpanOf(b.after, b.duration));
}

Status CheckClocks(const FaultPlan& plan) {
  std::vector<std::pair<const Fault*, TimeFault>> all;
  for (const Fault& fault : plan.faults) {
    if (fault.key != TimeFaultClass().key) continue;
    TRIREME_ASSIGN_OR_RETURN(const TimeFault read, ReadTimeFault(fault));
    for (const auto& [other, that] : all)
      if (SetOneSpeed(read, that))
        return Contradicts(fault, *other, "both say how fast a clock runs at one time");
    all.emplace_back(&fault, read);
  }
  return Done{};
}

bool IsAtATime(const ProcessFault& fault) { return !fault.event && !fault.offset; }

bool EndsTheTrial(const ProcessFault& fault) {
  return fault.signal == SIGKILL && fault.target == "runner";
}

// A trial ends with its runner: what is to come later never does.
Status CheckProcesses(const FaultPlan& plan) {
  std::vector<std::pair<const Fault*, ProcessFault>> timed;
  for (const Fault& fault : plan.faults) {
    if (fault.key != ProcessFaultClass().key) continue;
    TRIREME_ASSIGN_OR_RETURN(const ProcessFault read, ReadProcessFault(fault));
    if (!IsAtATime(read)) continue;
    timed.emplace_back(&fault, read);
  }
  for (const auto& [killer, end] : timed) {
    if (!EndsTheTrial(end)) continue;
    for (const auto& [fault, read] : timed)
      if (read.after > end.after)
        return Contradicts(*fault, *killer, "that kills the runner before, and so ends the trial");
  }
  return Done{};
}

}  // namespace

Status CheckContradictions(const FaultPlan& plan) {
  TRIREME_RETURN_IF_ERROR(CheckSystemCalls(plan));
  TRIREME_RETURN_IF_ERROR(CheckPlacesTaken(plan));
  TRIREME_RETURN_IF_ERROR(CheckNetworks(plan));
  TRIREME_RETURN_IF_ERROR(CheckTasks(plan));
  TRIREME_RETURN_IF_ERROR(CheckResources(plan));
  TRIREME_RETURN_IF_ERROR(CheckClocks(plan));
  return CheckProcesses(plan);
}

}  // namespace trireme
