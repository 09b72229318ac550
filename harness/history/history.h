#ifndef TRIREME_HARNESS_HISTORY_HISTORY_H_
#define TRIREME_HARNESS_HISTORY_HISTORY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/stop_request.h"

namespace trireme {

// What an event is; the numbers are those of probe_abi.h, where each is explained. Add, never
// renumber.
enum class EventKind : uint16_t {
  kBegin = 1,
  kEnd = 2,
  kInvoke = 3,
  kOk = 4,
  kFail = 5,
  kInfo = 6,
  kObserve = 7,
  kOutcome = 8,
  kMetric = 9,
  kWarning = 10,
  kTaskStart = 11,
  kTaskEnd = 12,
  kSwitch = 13,
  kSocket = 14,
  kFault = 15,
  kWait = 16,
  kWake = 17,
  kProcess = 18,
  kException = 19,
  kCensus = 20,
  kExit = 21,
  kJoin = 22,
  kCancel = 23,
  kSync = 24,
  kHold = 25,
  kUsage = 26,
  kConnection = 27,
  kWire = 28,
  kDeadline = 29,
};

enum class ValueType : uint16_t {
  kNone = 0,
  kInt = 1,
  kDouble = 2,
  kText = 3,
  kJson = 4,
  kBool = 5,
  kBytes = 6,
  kDigits = 7,
  kMarked = 8
};

// As interface.md section 6 names it: "task-start". "unknown" for a number of a later version.
std::string_view EventName(EventKind kind);

inline constexpr uint8_t kDigitsSubtype = 1;  // of a binary: the digits of an integer

// One event of a trial. The views point into the History that holds it.
struct Event {
  EventKind kind{};
  ValueType type{};
  int64_t time = 0;  // nanoseconds since the trial began
  uint32_t process = 0;
  uint32_t thread = 0;
  uint32_t task = 0;  // 0: none
  uint64_t id = 0;    // of the operation, point or other task, by kind
  std::string_view key;
  std::string_view raw;  // the value's bytes as recorded

  // The value as JSON: bytes as base64 text, text with broken UTF-8 mended (a lone surrogate is its
  // escape, \udc80), JSON that does not parse as text, a double that JSON has no number for as
  // "NaN", "Infinity" or "-Infinity".
  Json Value() const;
  // The same, but what JSON has only text for is told from text, at any depth: bytes are binary, an
  // integer beyond 64 bits is binary of subtype kDigitsSubtype, NaN and the infinities are numbers,
  // and text with broken UTF-8 is as it was recorded. Names of members keep their marks, as
  // probe_abi.h has them.
  Json ExactValue() const;
};

// As Event::Value() has a name that Event::ExactValue() gave: the key 1 of a Python dict is "1".
std::string PrintableName(const std::string& name);

// Whether it is an object with a name, of its own members, that begins with a mark.
bool HasMarkedName(const Json& value);

struct Task {
  uint32_t number = 0;
  uint32_t parent = 0;
  std::string path;  // spawn path "1.3.2"
  std::string name;
};

// How an operation ended.
enum class OperationState { kOpen, kOk, kFail, kInfo };

// An operation with its end, or with none: open.
struct Operation {
  uint64_t id = 0;
  std::string name;
  uint32_t task = 0;
  int64_t begin = 0;  // nanoseconds since the trial began
  int64_t end = 0;    // INT64_MAX while open
  OperationState state = OperationState::kOpen;
  Json value;   // of invoke
  Json result;  // of ok, fail or info
};

// The ordered record of one trial: all processes and threads, by time; events of one thread keep
// their order. Thread safety: immutable once read.
class History {
 public:
  // Reads a sealed history or what a killed recorder left behind. Never crashes on what is not one:
  // an error when there is nothing to read, or when it was stopped, else `damage()` says what could
  // not be read.
  static Result<History> Read(const std::string& path, const StopRequest& stop = nullptr);
  static Result<History> Parse(std::string bytes);

  const std::vector<Event>& events() const { return events_; }
  const Task* FindTask(uint32_t number) const;
  const std::map<uint32_t, Task>& tasks() const { return tasks_; }
  std::vector<Operation> Operations() const;  // in the order of their invocation

  uint64_t lost() const { return lost_; }  // events that could not be recorded
  int lost_errno() const { return lost_errno_; }
  uint64_t unseen() const { return unseen_; }  // waits for a socket that could not be followed
  // What its loops were watched for, in nanoseconds; 0: they were not.
  int64_t hold_threshold() const { return hold_threshold_; }
  int64_t usage_interval() const { return usage_interval_; }
  const std::string& damage() const { return damage_; }  // empty: whole
  int64_t begin_time() const { return begin_time_; }     // CLOCK_MONOTONIC

  History(History&&) = default;
  History& operator=(History&&) = default;

 private:
  History() = default;
  static Result<History> Decode(std::vector<char> bytes, const StopRequest& stop);
  void AddChunk(uint32_t process, std::string_view records);
  void AddTask(const Event& event);
  void Merge();

  std::vector<char> bytes_;  // not std::string: its small buffer would move under the views
  std::vector<Event> events_;
  std::map<uint32_t, Task> tasks_;
  uint64_t lost_ = 0;
  int lost_errno_ = 0;
  uint64_t unseen_ = 0;
  int64_t hold_threshold_ = 0;
  int64_t usage_interval_ = 0;
  std::string damage_;
  int64_t begin_time_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_HISTORY_H_
