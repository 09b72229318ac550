#ifndef TRIREME_HARNESS_ENGINE_HARNESS_FAULT_H_
#define TRIREME_HARNESS_ENGINE_HARNESS_FAULT_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "harness/base/json.h"
#include "harness/engine/guardian.h"

namespace trireme {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// The trial that a fault hits. Nothing but this process and what is below it may be touched.
struct FaultSubject {
  pid_t process = 0;
  int pidfd = -1;         // of that process; borrowed
  bool command = false;   // that process only waits for the workload, which is the program that it starts
  std::string recording;  // path
  int64_t begin = 0;      // CLOCK_MONOTONIC; its times count from here
  // By the guardian, as Trial::Services have them.
  std::function<Result<uint64_t>(const LaunchRequest&)> launch = {};
  std::function<void(pid_t)> end = {};
};

// Records a FAULT event of this fault, done at that time (CLOCK_MONOTONIC).
using RecordFault = std::function<void(int64_t time, Json value)>;

// A fault that the harness itself does to a running trial.
class HarnessFault {
 public:
  virtual ~HarnessFault() = default;
  // When OnTime() is to be called (CLOCK_MONOTONIC).
  virtual int64_t deadline() const = 0;
  virtual void OnTime(int64_t now) = 0;
  // What is to happen at a time does so that much later: the harness was away, and what lies between two faults is not its
  // absence.
  virtual void Postpone(int64_t nanoseconds) = 0;
  // Takes back what it did, and does no more.
  virtual void End() = 0;
  // The guardian's answer to what it launched; false when the report is not about that.
  virtual bool OnReport(const GuardianReport& /*report*/) { return false; }
  // Whether it sent the trial's own process that signal, and that did not ignore it.
  virtual bool MayHaveEnded(int /*signal*/) const { return false; }
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_HARNESS_FAULT_H_
