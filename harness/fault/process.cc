#include "harness/fault/process.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/strings.h"
#include "harness/fault/class_table.h"
#include "harness/fault/compile.h"

namespace trireme {
namespace {

struct NamedSignal {
  const char* name;
  int number;
};

// What ends, stops or disturbs a process; the others are a runtime's own business.
constexpr std::array<NamedSignal, 12> kSignals = {{{"STOP", SIGSTOP},
                                                   {"CONT", SIGCONT},
                                                   {"KILL", SIGKILL},
                                                   {"TERM", SIGTERM},
                                                   {"INT", SIGINT},
                                                   {"HUP", SIGHUP},
                                                   {"QUIT", SIGQUIT},
                                                   {"ABRT", SIGABRT},
                                                   {"SEGV", SIGSEGV},
                                                   {"PIPE", SIGPIPE},
                                                   {"USR1", SIGUSR1},
                                                   {"USR2", SIGUSR2}}};

// 0 for what is none.
int SignalByName(std::string_view name) {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (const NamedSignal& signal : kSignals)
    if (name == signal.name) return signal.number;
  return 0;
}

std::vector<std::string> SignalNames() {
  std::vector<std::string> names;
  for (const NamedSignal& signal : kSignals) names.emplace_back(signal.name);
  return names;
}

Result<int> ReadSignal(const Fault& fault) {
  const std::vector<std::string> names = SignalNames();
  const std::string name = GetString(fault.members, "signal");
  if (name.empty())
    return FaultError(fault, "a fault of a process needs a signal", "one of " + Join(names, ", "));
  if (const int signal = SignalByName(name); signal != 0) return signal;
  const std::string near = DidYouMean(name, names);
  return FaultKeyError(fault, "signal", "no signal is called '" + name + "'",
                       near.empty() ? "one of " + Join(names, ", ") : near);
}

// "observe:KEY", "op:NAME" or "op:NAME#N".
Result<FaultEvent> ReadEvent(const Fault& fault, const std::string& text) {
  const Diagnostic wrong = FaultKeyError(fault, "event", "'" + text + "' is no event",
                                         "observe:KEY, op:NAME or op:NAME#2, the second of them");
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return wrong;
  const std::string kind = text.substr(0, colon);
  FaultEvent event{.kind = FaultEvent::Kind::kObserve, .name = text.substr(colon + 1)};
  if (kind == "observe") return event;
  if (kind != "op") return wrong;
  event.kind = FaultEvent::Kind::kOperation;
  const size_t hash = event.name.rfind('#');
  if (hash == std::string::npos) return event;
  const std::optional<uint64_t> count = ParseUnsigned(event.name.substr(hash + 1));
  if (!count || *count == 0 || hash == 0) return wrong;
  event.count = *count;
  event.name.resize(hash);
  return event;
}

// A number of a process means another one in each trial, and none of a trial before it runs.
Status CheckTarget(const Fault& fault, const std::string& target) {
  const bool number = target.find_first_not_of("0123456789") == std::string::npos;
  if (!number && target.find('/') == std::string::npos) return Done{};
  return FaultKeyError(fault, "target",
                       "`target` is the name of a program of the trial, not " +
                           std::string(number ? "the number " : "the path ") + target,
                       "runner, worker, server, or a glob over the names of the trial's processes");
}

Status ReadMoment(const Fault& fault, ProcessFault* read) {
  const bool has_event = fault.members.contains("event");
  const bool has_offset = fault.members.contains("offset");
  const bool has_connection = fault.members.contains("connection");
  if (has_event && has_offset)
    return FaultKeyError(fault, "event", "`event` and `offset` both say when",
                         "leave one of them out");
  if (has_connection && !has_offset)
    return FaultKeyError(fault, "connection",
                         "`connection` says where `offset` counts, and there is none",
                         "add `offset`");
  constexpr size_t kLongest = sizeof(trireme_moment::key) - 1;
  if (GetString(fault.members, "connection").size() > kLongest)
    return FaultKeyError(fault, "connection",
                         "'connection' is longer than " + std::to_string(kLongest) + " bytes");
  if (has_offset)
    read->offset = FaultOffset{static_cast<uint64_t>(GetInt(fault.members, "offset")),
                               GetString(fault.members, "connection")};
  if (!has_event) return Done{};
  TRIREME_ASSIGN_OR_RETURN(read->event, ReadEvent(fault, GetString(fault.members, "event")));
  return Done{};
}

// What contradicts itself.
Status CheckEnd(const Fault& fault, const ProcessFault& read) {
  const std::string name = FaultSignalName(read.signal);
  if (read.duration && read.signal != SIGSTOP)
    return FaultKeyError(fault, "for",
                         "`for` goes with STOP only: nobody can take a " + name + " back");
  if (read.duration && *read.duration == 0)
    return FaultKeyError(fault, "for", "a stop `for` no time is none", "`for` longer than 0s");
  if (!read.restart) return Done{};
  if (read.signal == SIGSTOP || read.signal == SIGCONT)
    return FaultKeyError(fault, "restart",
                         "`restart` goes with a signal that ends a process, " + name + " does not");
  if (read.target == "runner" || read.target == "worker")
    return FaultKeyError(fault, "restart",
                         "a " + read.target + " cannot be started again: it is a fork of the trial",
                         "`target: server`, or the name of a program that the trial starts");
  return Done{};
}

}  // namespace

const FaultClass& ProcessFaultClass() {
  static const FaultClass process = {
      .key = "process",
      .summary =
          "a signal to a process of the trial, at a time, an event or a byte of a connection",
      .fields = {
          {"signal", "text", "STOP, KILL, TERM and so on"},
          {"after", "duration",
           "when: since the workload's first statement, or since `event` or `offset`; default 0s"},
          {"for", "duration", "of STOP: how long; default: until the trial ends"},
          {"target", "text",
           "runner (default): the trial's own process, of a command its program; worker: the oldest "
           "of its children; server: those that listen; else a glob over the names of processes"},
          {"event", "text",
           "observe:KEY, op:NAME or op:NAME#2: not before the workload has recorded that"},
          {"offset", "bytes", "not before that byte of a connection has moved"},
          {"connection", "text",
           "glob over the id or name of the connection of `offset`; default: any"},
          {"restart", "duration", "a program that it ended is started again that much later"}}};
  return process;
}

Result<ProcessFault> ReadProcessFault(const Fault& fault) {
  ProcessFault read;
  TRIREME_ASSIGN_OR_RETURN(read.signal, ReadSignal(fault));
  read.after = GetInt(fault.members, "after");
  if (fault.members.contains("for")) read.duration = GetInt(fault.members, "for");
  read.target = GetString(fault.members, "target", "runner");
  TRIREME_RETURN_IF_ERROR(CheckTarget(fault, read.target));
  if (fault.members.contains("restart")) read.restart = GetInt(fault.members, "restart");
  TRIREME_RETURN_IF_ERROR(ReadMoment(fault, &read));
  TRIREME_RETURN_IF_ERROR(CheckEnd(fault, read));
  return read;
}

std::string FaultSignalName(int signal) {
  for (const NamedSignal& known : kSignals)
    if (known.number == signal) return known.name;
  return "signal " + std::to_string(signal);
}

namespace {

trireme_moment MomentWith(const std::string& key, uint32_t kind, uint64_t count) {
  trireme_moment moment{};
  std::memcpy(moment.key, key.data(), std::min(key.size(), sizeof(moment.key)));
  moment.key_size = static_cast<uint32_t>(key.size());
  moment.kind = kind;
  moment.count = count;
  return moment;
}

trireme_moment MomentOf(const FaultEvent& event) {
  const bool observes = event.kind == FaultEvent::Kind::kObserve;
  return MomentWith(event.name, observes ? TRIREME_OBSERVE : TRIREME_INVOKE, event.count);
}

trireme_moment MomentOf(const FaultOffset& offset) {
  trireme_moment moment = MomentWith(offset.connection, TRIREME_MOMENT_BYTE, 1);
  moment.offset = offset.offset;
  return moment;
}

}  // namespace

Status CheckProcessFault(const Fault& fault) {
  TRIREME_RETURN_IF_ERROR(ReadProcessFault(fault));
  return Done{};
}

Status CompileProcessFault(const Fault& fault, uint32_t number, uint64_t /*seed*/,
                           CompiledPlan& plan) {
  TRIREME_ASSIGN_OR_RETURN(const ProcessFault read, ReadProcessFault(fault));
  if (read.offset) plan.connections = kPlanConnections;
  if (!read.event && !read.offset) return Done{};
  if (plan.moments.size() == TRIREME_PLAN_MOMENTS)
    return FaultError(fault, "a plan has at most " + std::to_string(TRIREME_PLAN_MOMENTS) +
                                 " faults that wait for an event or a byte");
  plan.moments.push_back(read.event ? MomentOf(*read.event) : MomentOf(*read.offset));
  plan.moments.back().fault = number;
  return Done{};
}

std::string WhyProcessFaultIsNotWatched(const Fault& fault) {
  if (fault.members.contains("event")) return "only workloads record events";
  return fault.members.contains("restart") ? "nobody starts its processes again" : "";
}

}  // namespace trireme
