#ifndef TRIREME_HARNESS_FAULT_PROCESS_H_
#define TRIREME_HARNESS_FAULT_PROCESS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "harness/fault/fault.h"
#include "harness/history/compiled_plan.h"

namespace trireme {

// The moment of a trial at which its task says `key`, as `event` of a fault writes it.
struct FaultEvent {
  enum class Kind { kObserve, kOperation };
  Kind kind{};
  std::string name;    // the key that is observed, or the operation
  uint64_t count = 1;  // the how many-eth of them, from 1
};

// A byte of a logical connection that has moved, at whichever end, in whichever direction.
struct FaultOffset {
  uint64_t offset = 0;     // this many bytes came before it
  std::string connection;  // glob over its id or name; "": any
};

// A signal that the harness sends to processes of the trial. At most one of `event` and `offset`; with one, `after` counts
// from when it was seen, without from the workload's first statement.
struct ProcessFault {
  int signal = 0;
  int64_t after = 0;  // nanoseconds
  std::optional<int64_t>
      duration;  // nanoseconds, of STOP: CONT follows; without, what is stopped goes on when the trial ends
  std::string target = "runner";  // runner | worker | server, or a glob over the names of processes
  std::optional<FaultEvent> event;
  std::optional<FaultOffset> offset;
  std::optional<int64_t> restart;  // nanoseconds after it ended, a program is started again
};

// process: {signal: KILL, after: 500ms, target: worker}
const FaultClass& ProcessFaultClass();

Result<ProcessFault> ReadProcessFault(const Fault& fault);

Status CheckProcessFault(const Fault& fault);
// Has connections followed where the fault waits for a byte of one, and the workload wait there or at its event; the rest the
// engine does.
Status CompileProcessFault(const Fault& fault, uint32_t number, uint64_t seed, CompiledPlan& plan);
std::string WhyProcessFaultIsNotWatched(const Fault& fault);

// "KILL" for SIGKILL: as plans write it; "signal 40" for what has no name there.
std::string FaultSignalName(int signal);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROCESS_H_
