#ifndef TRIREME_HARNESS_FAULT_TIME_H_
#define TRIREME_HARNESS_FAULT_TIME_H_

#include <cstdint>
#include <optional>

#include "harness/fault/fault.h"
#include "harness/history/compiled_plan.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// Clocks that jump or run at another speed, and timers that come late, in the trial's processes only.
struct TimeFault {
  int64_t jump = 0;  // nanoseconds
  double rate = 1;   // seconds that the clocks show for a true one
  int64_t late = 0;  // nanoseconds
  bool realtime = true, monotonic = false;
  int64_t after = 0;                // nanoseconds since the trial's begin
  std::optional<int64_t> duration;  // nanoseconds; without: until the trial ends
};

// time: {jump: -1h, after: 1s}
const FaultClass& TimeFaultClass();

Result<TimeFault> ReadTimeFault(const Fault& fault);

Status CheckTimeFault(const Fault& fault);
// Adds its clock. kUsage where the plan has as many as the probe takes.
Status CompileTimeFault(const Fault& fault, uint32_t number, uint64_t seed, CompiledPlan& plan);

// `number`: of the fault in its plan, from 1.
trireme_clock_fault ClockFaultOf(const TimeFault& fault, uint32_t number);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_TIME_H_
