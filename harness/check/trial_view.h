#ifndef TRIREME_HARNESS_CHECK_TRIAL_VIEW_H_
#define TRIREME_HARNESS_CHECK_TRIAL_VIEW_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/stacks.h"
#include "harness/check/suppression.h"
#include "harness/check/verdict.h"
#include "harness/history/history.h"

namespace trireme {

// How the trial's process ended: the value of EXIT, mended where it is damaged.
struct TrialExit {
  bool present = false;  // false: the harness was gone before the process was
  std::string how;       // exited, signalled, timeout, vanished, interrupted
  std::optional<int64_t> code, signal;
  std::optional<int64_t> memory_limit;  // bytes
  int64_t timeout = 0;                  // nanoseconds; 0: none
  double seconds = 0, user = 0, system = 0;
  int64_t rss = 0;  // peak, bytes
  bool memory_exceeded = false;
  bool recording_lost = false;   // the workload took it away, so nothing before is known
  std::string protocol_error;    // "" when it kept to the protocol
  Json orphans = Json::array();  // [{pid, command}]
};

// A JSON error of probe_abi.h.
struct TrialError {
  std::string type;               // raw class
  std::string family;             // timeout ... other
  std::optional<int64_t> number;  // errno
  std::string message;
  std::vector<std::string> stack;  // innermost last
  std::string after;               // the last call of the API before it; "" where not told

  // "reset (errno 104)": what is compared between runtimes.
  std::string Family() const;
  // "ConnectionResetError: [Errno 104] Connection reset by peer"
  std::string Text() const;
};

// Nothing when `value` is no error: what op.fail() was given, say.
std::optional<TrialError> ParseError(const Json& value);

// All that a check may look at: one trial's history, its cell in plan.json and the stacks of a
// hang. Everything it holds points into the History, which must remain live.
struct TrialView {
  const History* history = nullptr;
  const Json* cell = nullptr;
  const std::vector<Suppression>* suppressions = nullptr;  // of the run; null: none
  std::vector<Operation> operations;                       // in the order of their invocation
  std::vector<TaskStack> stacks;
  TrialExit exit;
  const Event* begin = nullptr;  // null: the workload never began
  const Event* end = nullptr;    // null: main never ended
  int64_t last_time = 0;         // of the newest event
  bool repeated = false;         // the trial was unknown before, and ran once more, alone

  std::string scenario() const { return GetString(*cell, "scenario"); }
  // Of a program that runs under `trireme watch`: its adapter says what tasks wait for, not the workload API.
  bool watched() const { return GetBool(*cell, "watched"); }
  // Its name, else "task 1.3", else "main" for none.
  std::string TaskName(uint32_t task) const;
  // The task with its stack, where stacks.txt has one.
  Participant ParticipantOf(uint32_t task) const;
  // The finding with its signature; the scenario is part of that, since every scenario has a
  // workload.py.
  Finding MakeFinding(const std::string& check, const std::string& kind, const std::string& subject,
                      std::string message, std::vector<Participant> participants) const;
};

// Whether the workload did something that nothing else does and that ends: an operation, an observation, a new task, bytes.
// What else counts is each check's own affair.
bool IsWork(const Event& event);

TrialView MakeTrialView(const History& history, const Json& cell, const std::string& stacks_text);

// Where the history is whole but has a record that no runner and no harness writes, which is one: "", or what is wrong. Kinds
// of a later version are none, as long as the trial's end is known.
std::string ImpossibleRecord(const TrialView& view);

// Whether two of `tasks` lived at the same time: the least that a check on concurrency needs. A
// task lives from its start to its end, or from its first event to its last where the history does
// not say; lives that only touch do not count.
bool AnyConcurrent(const TrialView& view, const std::set<uint32_t>& tasks);

// "3 events could not be recorded: File too large". REQUIRES: some could not.
std::string LostInWords(const History& history);

// "3 tasks", "1 task"
std::string Count(int64_t count, const std::string& noun);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_TRIAL_VIEW_H_
