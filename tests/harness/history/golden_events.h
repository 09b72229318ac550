#ifndef TRIREME_TESTS_HARNESS_HISTORY_GOLDEN_EVENTS_H_
#define TRIREME_TESTS_HARNESS_HISTORY_GOLDEN_EVENTS_H_

#include <string_view>
#include <vector>

#include "harness/history/writer.h"

namespace trireme {

// One event of every kind and one value of every type, from two processes: what golden/v1.trh was
// made from.
inline std::vector<NewEvent> GoldenEvents() {
  const Json error = {{"error", "TimeoutError"},
                      {"family", "timeout"},
                      {"errno", nullptr},
                      {"message", "1 second"},
                      {"stack", {"workload.py:3 in main", "workload.py:9 in reader"}}};
  using enum EventKind;
  std::vector<NewEvent> events = {
      {.kind = kBegin, .value = {{"seed", "0x5eed"}, {"params", Json::object()}}, .task = 1},
      {.kind = kTaskStart, .key = "1", .value = "main", .task = 1},
      {.kind = kTaskStart, .key = "1.1", .value = "caf\u00e9", .task = 2, .id = 1},
      {.kind = kSwitch, .task = 2, .id = 1},
      {.kind = kInvoke, .key = "put", .value = 5, .task = 2, .id = 1},
      {.kind = kOk, .key = "put", .value = true, .task = 2, .id = 1},
      {.kind = kInvoke, .key = "get", .task = 2, .id = 2},
      {.kind = kFail, .key = "get", .value = error, .task = 2, .id = 2},
      {.kind = kInvoke, .key = "del", .value = {1, "a"}, .task = 2, .id = 3},
      {.kind = kInfo, .key = "del", .task = 2, .id = 3},
      {.kind = kObserve, .key = "ratio", .value = -0.25, .task = 2},
      {.kind = kObserve, .key = "largest", .value = 18446744073709551615u, .task = 2},
      {.kind = kOutcome, .key = "fifo", .task = 2},
      {.kind = kMetric, .key = "wall", .value = {1.5, "s"}, .task = 2},
      {.kind = kWarning, .key = "DeprecationWarning", .value = "old", .task = 2},
      {.kind = kSocket,
       .value = {{"action", "recv"}, {"fd", 7}, {"object", "12:34"}, {"bytes", 10}},
       .task = 2},
      {.kind = kFault, .value = {{"name", "short-io"}, {"do", "short"}}, .task = 2},
      {.kind = kWait, .key = "recv", .task = 2, .id = 4},
      {.kind = kWake, .key = "recv", .value = 10, .task = 2, .id = 4},
      {.kind = kJoin, .task = 1, .id = 2},
      {.kind = kCancel, .task = 1, .id = 9},
      {.kind = kTaskEnd, .key = "raised", .value = error, .task = 2},
      {.kind = kProcess, .value = {{"argv", {"python3", "-c", ""}}}, .id = 100},
      {.kind = kException, .key = "thread", .value = error},
      {.kind = kEnd, .key = "returned", .task = 1},
      {.kind = kCensus, .key = "threads", .value = Json::array({{{"name", "worker"}}})},
      {.kind = kExit, .key = "exited", .value = {{"status", 0}, {"code", 0}, {"signal", nullptr}}},
      {.kind = static_cast<EventKind>(999), .key = "later", .value = 1, .id = 3},
  };
  int64_t time = 1000;
  for (NewEvent& event : events) {
    event.time = time += 10;
    event.process = event.kind == kProcess ? 101 : 100;
    event.thread = event.kind == kException ? 103 : event.process;
  }
  return events;
}

// What a trial with a fault plan records beside: golden/v1-faults.trh.
inline std::vector<NewEvent> GoldenFaultEvents() {
  const auto bytes = [](std::string_view text) {
    return Json::binary(std::vector<uint8_t>(text.begin(), text.end()));
  };
  using enum EventKind;
  std::vector<NewEvent> events = {
      {.kind = kTaskStart, .key = "1", .value = "main", .task = 1},
      {.kind = kConnection,
       .key = "opened",
       .value = {{"connection", "1#0"},
                 {"name", "main#0"},
                 {"side", "client"},
                 {"kind", "tcp"},
                 {"local", "127.0.0.1:40000"},
                 {"peer", "127.0.0.1:80"}},
       .task = 1,
       .id = 7},
      {.kind = kWire, .key = "client write", .value = bytes("hi\n\xff"), .task = 1, .id = 7},
      {.kind = kFault,
       .key = "cut",
       .value = {{"do", {{"short", 1}}},
                 {"call", "recv"},
                 {"side", "client"},
                 {"connection", "1#0"},
                 {"direction", "read"},
                 {"offset", 4096}},
       .task = 1,
       .id = 2},
      {.kind = kWire, .key = "client read", .value = 0, .task = 1, .id = 7},
      {.kind = kConnection,
       .key = "closed",
       .value = {{"side", "client"}, {"read", 4096}, {"written", 4}},
       .task = 1,
       .id = 7},
      {.kind = kFault, .key = "pause", .value = {{"do", {{"signal", "STOP"}}}}, .id = 3},
      {.kind = kFault,
       .key = "pause",
       .value = {{"do", {{"signal", "CONT"}}}, {"over", true}},
       .id = 3},
  };
  int64_t time = 1000;
  for (NewEvent& event : events) {
    event.time = time += 10;
    event.process = event.thread = 100;
  }
  return events;
}

inline constexpr int64_t kGoldenBegin = 1000;

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_HISTORY_GOLDEN_EVENTS_H_
