#ifndef TRIREME_TESTS_HARNESS_CHECK_FAULT_TRIAL_H_
#define TRIREME_TESTS_HARNESS_CHECK_FAULT_TRIAL_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/harness/check/trial_builder.h"

namespace trireme {

// A trial whose connections are recorded: "1#0" is number 1, "1#1" number 2 and so on, each a TCP connection of main's.
class FaultTrial : public TrialBuilder {
 public:
  FaultTrial() { Cell(PlannedCellWith(Json::array())); }

  static Json PlannedCellWith(Json faults) {
    return {{"id", "cell"},
            {"scenario", "tests/example"},
            {"faults", {"plan"}},
            {"fault_plan", {{"name", "plan"}, {"summary", ""}, {"all", std::move(faults)}}}};
  }
  // A fault at an exact byte, as a plan has it.
  static Json Exact(const std::string& name, int64_t offset) {
    return {
        {"name", name}, {"do", {{"short", 1}}}, {"at", {{"call", {"recv"}}, {"offset", offset}}}};
  }

  static std::string Id(uint64_t number) { return "1#" + std::to_string(number - 1); }

  FaultTrial& Open(uint64_t number, const std::string& side = "client", int64_t time = 1,
                   const std::string& kind = "tcp") {
    Add(EventKind::kConnection, time, "opened",
        {{"connection", Id(number)},
         {"name", "main#" + std::to_string(number - 1)},
         {"side", side},
         {"kind", kind},
         {"local", "127.0.0.1:1"},
         {"peer", "127.0.0.1:2"}},
        1, number);
    return *this;
  }
  FaultTrial& Closed(uint64_t number, int64_t read, int64_t written,
                     const std::string& side = "client", int64_t time = 800) {
    Add(EventKind::kConnection, time, "closed",
        {{"side", side}, {"read", read}, {"written", written}}, 1, number);
    return *this;
  }
  // "client read"
  FaultTrial& Wire(uint64_t number, const std::string& key, std::string_view bytes,
                   int64_t time = 10) {
    Add(EventKind::kWire, time, key, Json::binary(std::vector<uint8_t>(bytes.begin(), bytes.end())),
        1, number);
    return *this;
  }
  FaultTrial& WireClose(uint64_t number, const std::string& key, int64_t how, int64_t time = 700) {
    Add(EventKind::kWire, time, key, how, 1, number);
    return *this;
  }
  // Fault `fault` of the plan, while the client reads.
  FaultTrial& Fault(const std::string& name, uint64_t connection, int64_t offset,
                    int64_t time = 100, uint64_t fault = 1, Json action = {{"short", 1}}) {
    Add(EventKind::kFault, time, name,
        {{"do", std::move(action)},
         {"call", "recv"},
         {"side", "client"},
         {"connection", Id(connection)},
         {"direction", "read"},
         {"offset", offset}},
        1, fault);
    return *this;
  }
  // Of a resource; `failed`: why some of what it limits could not be.
  FaultTrial& Limit(Json action, int64_t time, std::vector<std::string> failed = {}) {
    Json value = {{"do", std::move(action)}};
    if (!failed.empty()) value["failed"] = std::move(failed);
    Add(EventKind::kFault, time, "limit", std::move(value), 1, 1);
    return *this;
  }
  // One of the process, with no connection.
  FaultTrial& Signal(const std::string& signal, int64_t time, bool over = false,
                     uint64_t fault = 1) {
    Json value = {{"do", {{"signal", signal}}}};
    if (over) value["over"] = true;
    Add(EventKind::kFault, time, "pause", std::move(value), 0, fault);
    return *this;
  }
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_CHECK_FAULT_TRIAL_H_
