#ifndef TRIREME_HARNESS_HISTORY_JSONL_H_
#define TRIREME_HARNESS_HISTORY_JSONL_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "harness/base/json.h"
#include "harness/history/history.h"

namespace trireme {

// What every line of a trial says of the cell it belongs to.
struct TrialLabel {
  std::string cell;
  std::string scenario;
  std::string runtime;
  std::string interpreter;  // "": the runtime has none; printed as null
  int64_t trial = 0;
};

// One event as `trireme history` prints it (interface.md, section 6).
//
// Tasks are named by their spawn path, or by "#number" where nothing recorded their start; null
// where there is none. Members by event: invoke, ok, fail, info: op, id, value | observe: key,
// value | outcome: name | metric: name, value, unit | warning: category, value | task-start: name,
// parent | task-end: state, error | switch: from | wait, wake: kind, ordinal, value | process:
// parent, value | exception: where, error | census: kind, value | exit: state, value | join,
// cancel: target | begin: value | end: state, error | socket: the members of its value |
// fault: number, name, the members of its value | connection: number, action, the members of its
// value | wire: number, side, direction, bytes (base64) or close.
Json EventToJson(const TrialLabel& label, const History& history, const Event& event);

// All of them, one object a line, in order; `write` gets whole lines.
void PrintHistory(const TrialLabel& label, const History& history,
                  const std::function<void(std::string_view)>& write);

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_JSONL_H_
