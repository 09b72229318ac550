#include "harness/fault/time.h"

#include <cmath>
#include <string>
#include <vector>

#include "harness/base/clock.h"
#include "harness/fault/class_table.h"

namespace trireme {
namespace {

constexpr double kFastest = 1000;
constexpr double kSlowest = 0.001;

Status ReadClocks(const Fault& fault, TimeFault* read) {
  if (!fault.members.contains("clocks")) return Done{};
  read->realtime = read->monotonic = false;
  for (const std::string& name : TextsOf(GetMember(fault.members, "clocks"))) {
    const bool both = name == "both";
    if (!both && name != "realtime" && name != "monotonic")
      return FaultKeyError(fault, "clocks", "no clock is called '" + name + "'",
                           "realtime, monotonic or both");
    read->realtime |= both || name == "realtime";
    read->monotonic |= both || name == "monotonic";
  }
  if (!read->realtime && !read->monotonic)
    return FaultKeyError(fault, "clocks", "`clocks` names none", "realtime, monotonic or both");
  return Done{};
}

// A program may count on it, as on no other clock: what went back would be no fault that the world can do.
Status CheckMonotonic(const Fault& fault, const TimeFault& read) {
  if (!read.monotonic) return Done{};
  if (read.jump < 0)
    return FaultKeyError(fault, "jump", "CLOCK_MONOTONIC never goes back",
                         "`clocks: realtime` can, or `rate` below 1 holds both up");
  if (read.duration && (read.jump > 0 || read.rate > 1))
    return FaultKeyError(fault, "for",
                         "after it CLOCK_MONOTONIC would go back to the true time; it never goes back",
                         "leave `for` out, or say `clocks: realtime`");
  return Done{};
}

Status CheckTimes(const Fault& fault, const TimeFault& read) {
  const bool moves = read.jump != 0 || read.rate != 1;
  if (!moves && read.late == 0)
    return FaultError(fault, "it changes no clock", "one or several of jump, rate, late");
  if (!moves && fault.members.contains("clocks"))
    return FaultKeyError(fault, "clocks",
                         "`clocks` says which of them jump, and none does: `late` is of all timers",
                         "add `jump` or `rate`");
  if (!std::isfinite(read.rate) || read.rate < kSlowest || read.rate > kFastest)
    return FaultKeyError(fault, "rate", "`rate` is how fast a clock runs, from 0.001 to 1000");
  if (read.duration && *read.duration == 0)
    return FaultKeyError(fault, "for", "a fault `for` no time is none", "`for` longer than 0s");
  return Done{};
}

}  // namespace

const FaultClass& TimeFaultClass() {
  static const FaultClass time = {
      .key = "time",
      .summary = "clocks of the trial jump or run at another speed, or timers come late",
      .fields = {{"jump", "signed-duration", "how far the clocks jump; -1h: back"},
                 {"rate", "factor", "how fast they run; 0.5: half a second for each true one"},
                 {"clocks", "texts",
                  "which: realtime (default), monotonic, which never goes back, or both"},
                 {"late", "duration", "how much too late timers and time limits of waits come"},
                 {"after", "duration", "when: since the trial's begin; default 0s"},
                 {"for", "duration", "how long; default: until the trial ends"}}};
  return time;
}

Result<TimeFault> ReadTimeFault(const Fault& fault) {
  TimeFault read{.jump = GetInt(fault.members, "jump"),
                 .rate = GetDouble(fault.members, "rate", 1),
                 .late = GetInt(fault.members, "late"),
                 .after = GetInt(fault.members, "after")};
  if (fault.members.contains("for")) read.duration = GetInt(fault.members, "for");
  TRIREME_RETURN_IF_ERROR(ReadClocks(fault, &read));
  TRIREME_RETURN_IF_ERROR(CheckTimes(fault, read));
  TRIREME_RETURN_IF_ERROR(CheckMonotonic(fault, read));
  return read;
}

trireme_clock_fault ClockFaultOf(const TimeFault& fault, uint32_t number) {
  const bool moves = fault.jump != 0 || fault.rate != 1;
  trireme_clock_fault clock{};
  clock.from = static_cast<uint64_t>(fault.after);
  if (fault.duration) clock.until = static_cast<uint64_t>(fault.after + *fault.duration);
  clock.jump = fault.jump;
  clock.rate =
      static_cast<uint64_t>(std::llround(fault.rate * static_cast<double>(kNanosecondsPerSecond)));
  if (moves) clock.clocks = (fault.realtime ? 1U : 0U) | (fault.monotonic ? 2U : 0U);
  clock.fault = number;
  clock.late = static_cast<uint64_t>(fault.late);
  return clock;
}

Status CheckTimeFault(const Fault& fault) {
  TRIREME_RETURN_IF_ERROR(ReadTimeFault(fault));
  return Done{};
}

Status CompileTimeFault(const Fault& fault, uint32_t number, uint64_t /*seed*/,
                        CompiledPlan& plan) {
  TRIREME_ASSIGN_OR_RETURN(const TimeFault read, ReadTimeFault(fault));
  if (plan.block.clocks == TRIREME_PLAN_CLOCKS)
    return FaultError(fault, "a plan has at most " + std::to_string(TRIREME_PLAN_CLOCKS) +
                                 " faults of time, this is one more");
  plan.block.clock[plan.block.clocks++] = ClockFaultOf(read, number);
  return Done{};
}

}  // namespace trireme
