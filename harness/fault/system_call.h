#ifndef TRIREME_HARNESS_FAULT_SYSTEM_CALL_H_
#define TRIREME_HARNESS_FAULT_SYSTEM_CALL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/history/compiled_plan.h"

namespace trireme {

// Which of the calls a fault on system calls hits: `at`.
const FaultClass& SystemCallPlaceClass();
// What it does there: `do`.
const FaultClass& SystemCallFaultClass();

// A fault on system calls, understood. Times are nanoseconds since the trial's begin.
struct SystemCallFault {
  uint32_t calls = 0;      // bits 1 << trireme_fault_call
  uint8_t sides = 3;       // bit 0: client, bit 1: server
  std::string connection;  // glob, "": every one
  trireme_fault_when when = TRIREME_WHEN_ALWAYS;
  uint64_t place = 0;  // offset, or every
  double probability = 0;
  uint32_t times = 0;  // on one connection; 0: no limit
  uint32_t total = 0;  // in the trial; 0: no limit
  uint64_t after = 0;
  uint64_t until = 0;  // 0: for ever
  trireme_fault_action action{};
  uint64_t amount = 0;  // bytes, or nanoseconds
  int32_t error = 0;    // errno, or EAI_ code
  // A sweep, see sweep.h: at each place in turn, one a trial.
  bool every_point = false;
};

// kUsage for what can never apply, and for what names no call, error or side that there is.
Result<SystemCallFault> ReadSystemCallFault(const Fault& fault);

Status CheckSystemCallFault(const Fault& fault);
std::string WhySystemCallFaultIsNotWatched(const Fault& fault);
// Adds its rule. REQUIRES: CheckSystemCallFault() takes the fault.
Status CompileSystemCallFault(const Fault& fault, uint32_t number, uint64_t seed,
                              CompiledPlan& plan);

// What a plan says below `at` to hit the call that an event of a log, or a point of a sweep, names.
Json PlaceOfCall(const Json& event);
// Whether a call is one of a connection's two ends.
bool HasSides(const std::string& call);
// A glob that matches `text` alone.
std::string LiteralGlob(const std::string& text);

// "recv" of TRIREME_CALL_RECV.
std::string_view CallName(trireme_fault_call call);
// The calls of `bits` that move bytes of a stream or a datagram.
constexpr uint32_t kTransferCalls = 1U << TRIREME_CALL_RECV | 1U << TRIREME_CALL_SEND |
                                    1U << TRIREME_CALL_READ | 1U << TRIREME_CALL_WRITE;

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_SYSTEM_CALL_H_
