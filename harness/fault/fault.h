#ifndef TRIREME_HARNESS_FAULT_FAULT_H_
#define TRIREME_HARNESS_FAULT_FAULT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace trireme {

// A member of what a fault says, as a scenario or plan file writes it (interface.md section 5).
// type, and what it is in JSON here: duration (nanoseconds), signed-duration (the same, may be negative), bytes, bandwidth
// (bytes a second), count (integer from 0), share (0..1), factor (a number above 0), boolean, text, texts (list; one text
// is a list of it).
struct FaultField {
  std::string name, type, summary;
};

// One class of faults: what a file says below `key`. System calls have two: `at` (where) and `do` (what).
struct FaultClass {
  std::string key;
  std::string summary;  // one line, for `trireme list faults`
  std::vector<FaultField> fields;
};

// One fault: its members are checked by name and type, and mean something only to its class.
struct Fault {
  std::string name;
  std::optional<uint64_t> seed;  // of its decisions; default: the trial's
  std::string key;               // of its class; "do" for a fault on system calls
  Json members = Json::object();
  Json at = Json::object();  // of a fault on system calls: which of them
};

// What one cell of a run suffers: one fault, or several at once.
struct FaultPlan {
  std::string name, summary;
  std::vector<Fault> faults;

  Json ToJson() const;
  // kUsage for what is no plan.
  static Result<FaultPlan> FromJson(const Json& json);
};

// A share (0..1) as the number of 64 bits below which a drawn one makes it happen.
uint64_t ChanceOf(double share);

// A line for each class, in the order of `trireme list faults`; `at` and `do` first.
const std::vector<FaultClass>& FaultClasses();

// Whether the plan can do what it says: kUsage for a fault that can never apply, that contradicts another one, or that
// names what does not exist. The text begins with the fault's name.
Status CheckFaultPlan(const FaultPlan& plan);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_FAULT_H_
