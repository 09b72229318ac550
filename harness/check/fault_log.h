#ifndef TRIREME_HARNESS_CHECK_FAULT_LOG_H_
#define TRIREME_HARNESS_CHECK_FAULT_LOG_H_

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "harness/check/reused_connections.h"
#include "harness/check/streams.h"
#include "harness/check/trial_view.h"

namespace trireme {

// One applied fault as every runtime must have it: without its time. Of an event of a connection that moves no bytes
// (connect, accept), `stream.direction` is the call, and the offset the event's number; of a task, that is "point".
struct LoggedFault {
  StreamKey stream;
  int64_t offset = 0;
  std::string name;
  std::string action;  // canonical JSON
  bool event = false;    // no place in a stream
  bool exact = false;    // the plan names this byte
  bool proxied = false;  // so many bytes were passed on, of which `stream` need not have got all

  auto operator<=>(const LoggedFault& other) const {
    return std::tie(stream, offset, name, action) <=>
           std::tie(other.stream, other.offset, other.name, other.action);
  }
  bool operator==(const LoggedFault& other) const { return (*this <=> other) == 0; }
  // "'cut' at byte 4096 of client read of 1.2#0"
  std::string InWords() const;
};

// What a trial's faults were. Its comparable part are those of system calls, of the proxy and of tasks whose place is given by the
// stream, the task and the plan: neither by times, nor by the calls that a runtime happens to make.
struct FaultLog {
  std::vector<LoggedFault> faults;         // sorted
  Streams streams;                         // how far each went
  std::map<std::string, int64_t> points;   // by the path of a task the last at which it waited; with faults of tasks
  std::map<std::string, int64_t> applied;  // all faults, by name
  std::set<std::string>
      not_reached;  // exact offsets of the plan that no connection came to, by name; no points of sweeps
  std::vector<ReusedConnection> reused;  // that suffered some of them

  // One line a comparable fault: connection, side, direction, offset, name and what it did, between tabs.
  std::string Text() const;
  std::string Sha256() const;
};

FaultLog MakeFaultLog(const TrialView& view);

// Ordered: the heaviest of several stands.
enum class FaultLogState {
  kEqual = 0,
  kNotReached = 1,  // but for offsets to which one of the two never came
  kDiverged = 2,    // equal up to the first byte at which the streams themselves differ
  kDifferent = 3    // other faults for the same bytes: a defect of the harness
};

struct FaultLogComparison {
  FaultLogState state = FaultLogState::kEqual;
  std::string where;  // of a state that is not equal
};

// Of two trials with the same seed. Takes O(n log n) in the faults.
FaultLogComparison CompareFaultLogs(const FaultLog& here, const FaultLog& there);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_FAULT_LOG_H_
