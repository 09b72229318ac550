#include "harness/check/invariant_checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/applied_faults.h"
#include "harness/check/connection_marks.h"
#include "harness/check/observations.h"
#include "harness/check/operations.h"
#include "harness/check/resumption.h"
#include "harness/check/streams.h"
#include "harness/check/sync_events.h"
#include "harness/check/wire_fields.h"

namespace trireme {
namespace {

class Inspection {
 public:
  Inspection(const TrialView& view, const Json& arguments)
      : view_(view),
        ops_(TextsOf(GetMember(arguments, "ops"))),
        final_(GetString(arguments, "final")),
        mark_(GetString(arguments, "mark")) {}

  CheckResult Run() {
    if (!ops_.empty()) InspectAcknowledged();
    InspectBytes();
    InspectTasks();
    InspectProgress();
    if (result_.findings.empty() && !unknown_.empty()) return Unknown(unknown_);
    if (result_.findings.empty() && !looked_ && (HasFaultPlan(*view_.cell) || MissesBytes()))
      return NotExercised("no fault was applied, and no bytes of connections were recorded");
    return std::move(result_);
  }

 private:
  void Add(const std::string& rule, const std::string& subject, std::string message,
           std::vector<Participant> participants, Json evidence) {
    Finding finding = view_.MakeFinding("invariant", "invariant", rule + '\n' + subject,
                                        std::move(message), std::move(participants));
    evidence["rule"] = rule;
    finding.evidence = std::move(evidence);
    if (result_.findings.empty()) result_.reason = finding.message;
    result_.verdict = Verdict::kFail;
    result_.findings.push_back(std::move(finding));
  }

  // Whether they were to be recorded, or nobody said whether.
  bool MissesBytes() const {
    const Json& cell = *view_.cell;
    return view_.watched() || WireRuleOf(cell) != WireRule::kNone ||
           NeedsOf(GetMember(cell, "checks")).wire;
  }

  // How often each value is in `final`: in lists, or observed one by one.
  std::map<std::string, int64_t> FinalValues(bool* observed) const {
    std::map<std::string, int64_t> values;
    for (const Event& event : view_.history->events()) {
      if (event.kind != EventKind::kObserve || event.key != final_) continue;
      *observed = true;
      const Json value = event.Value();
      if (!value.is_array()) ++values[ValueText(value)];
      if (value.is_array())
        for (const Json& item : value) ++values[ValueText(item)];
    }
    return values;
  }

  void InspectAcknowledged() {
    bool observed = false;
    const std::map<std::string, int64_t> final_values = FinalValues(&observed);
    if (!observed) {
      unknown_ = "nothing was observed as '" + final_ + "'";
      return;
    }
    looked_ = true;
    std::map<std::string, std::vector<const Operation*>> acknowledged;
    std::map<std::string, int64_t> invoked;
    for (const Operation* operation : OperationsNamed(view_, ops_)) {
      const std::string value = ValueText(operation->value);
      ++invoked[value];
      if (operation->state == OperationState::kOk) acknowledged[value].push_back(operation);
    }
    for (const auto& [value, operations] : acknowledged) {
      const auto found = final_values.find(value);
      const int64_t have = found == final_values.end() ? 0 : found->second;
      const auto wanted = static_cast<int64_t>(operations.size());
      if (have < wanted) return AddLost(value, operations, have);
      if (have > invoked[value]) return AddTwice(value, operations, have);
    }
  }

  void AddLost(const std::string& value, const std::vector<const Operation*>& operations,
               int64_t have) {
    const Operation& witness = *operations.back();
    Add("acknowledged", "lost " + witness.name,
        "'" + witness.name + "' of " + value + " was acknowledged to " +
            view_.TaskName(witness.task) + ", but '" + final_ + "' has it " +
            (have == 0 ? "not" : Count(have, "time")),
        {view_.ParticipantOf(witness.task)},
        {{"acknowledged", operations.size()},
         {"final", have},
         {"witness", OperationEvidence(witness)}});
  }

  void AddTwice(const std::string& value, const std::vector<const Operation*>& operations,
                int64_t have) {
    const Operation& witness = *operations.back();
    Add("acknowledged", "twice " + witness.name,
        "'" + witness.name + "' of " + value + " was acknowledged to " +
            view_.TaskName(witness.task) + " " +
            Count(static_cast<int64_t>(operations.size()), "time") + ", but '" + final_ +
            "' has it " + Count(have, "time"),
        {view_.ParticipantOf(witness.task)},
        {{"acknowledged", operations.size()},
         {"final", have},
         {"witness", OperationEvidence(witness)}});
  }

  void InspectBytes() {
    const Streams streams = ReadStreams(view_);
    for (const auto& [key, stream] : streams) {
      if (key.direction != "read" || !stream.recorded || stream.kind == "datagram") continue;
      const auto written = streams.find({.connection = key.connection,
                                         .side = key.side == "client" ? "server" : "client",
                                         .direction = "write"});
      if (written == streams.end() || !written->second.recorded) continue;
      looked_ = true;
      if (!written->second.bytes.starts_with(stream.bytes))
        return AddForeign(key, stream, written->second, streams);
    }
    if (!mark_.empty()) InspectMarks(streams);
  }

  void InspectMarks(const Streams& streams) {
    const MarkSearch search = FindStrayMark(streams, mark_);
    if (!search.found_any) {
      unknown_ = "no client wrote '" + mark_ + "' into a connection";
      return;
    }
    looked_ = true;
    if (!search.stray) return;
    const StrayMark& stray = *search.stray;
    Add("bytes", "mark " + stray.stream.side + " " + WithoutNumbers(stray.name),
        stray.stream.InWords() + " has '" + stray.mark + "' at byte " +
            std::to_string(stray.offset) + ", but the connection is of '" + stray.own + "'" +
            (stray.origin.empty() ? "" : "; connection " + stray.origin + " is of the other"),
        {},
        {{"connection", stray.stream.connection},
         {"side", stray.stream.side},
         {"offset", stray.offset},
         {"origin", stray.origin}});
  }

  // Another connection in which these bytes were written, "" where there is none.
  static std::string Origin(const std::string& bytes, const StreamKey& reader,
                            const Streams& streams) {
    for (const auto& [key, stream] : streams)
      if (key.direction == "write" && key.connection != reader.connection &&
          stream.bytes.find(bytes) != std::string::npos)
        return key.connection;
    return "";
  }

  void AddForeign(const StreamKey& key, const Stream& read, const Stream& written,
                  const Streams& streams) {
    constexpr size_t kCompared = 16;
    const auto [first, other] = std::mismatch(read.bytes.begin(), read.bytes.end(),
                                              written.bytes.begin(), written.bytes.end());
    const auto offset = static_cast<size_t>(first - read.bytes.begin());
    const std::string origin = Origin(read.bytes.substr(offset, kCompared), key, streams);
    Add("bytes", key.side + " " + WithoutNumbers(read.name),
        key.InWords() + " read at byte " + std::to_string(offset) +
            " what the other end did not write there" +
            (origin.empty() ? "" : "; connection " + origin + " wrote it"),
        {},
        {{"connection", key.connection},
         {"side", key.side},
         {"offset", offset},
         {"origin", origin}});
  }

  bool ChecksLeaks() const {
    const Json& checks = GetMember(*view_.cell, "checks");
    return checks.is_array() && std::any_of(checks.begin(), checks.end(), [](const Json& choice) {
             return GetString(choice, "name") == "leak";
           });
  }

  void InspectTasks() {
    if (view_.end == nullptr || ChecksLeaks()) return;
    for (const Event& event : view_.history->events()) {
      if (event.kind != EventKind::kCensus || event.key != "tasks") continue;
      const Json tasks = event.Value();
      if (!tasks.is_array() || tasks.empty()) continue;
      const std::string name = GetString(tasks[0], "name", "a task");
      const auto more = static_cast<int64_t>(tasks.size()) - 1;
      Add("tasks", WithoutNumbers(name),
          name + (more > 0 ? " and " + Count(more, "other task") : "") + " outlived the workload",
          {}, {{"tasks", tasks}});
      return;
    }
  }

  void InspectProgress() {
    const std::vector<AppliedFault> faults = AppliedFaults(view_);
    looked_ |= !faults.empty();
    const std::optional<Standstill> still = FindStandstill(view_, faults);
    if (!still) return;
    Add("progress", still->fault.name,
        WhatStandsStill(*still) + " after " + DescribeFault(still->fault) + " was over, at " +
            FormatDuration(still->fault.end) + WhatItTried(*still),
        {},
        {{"fault", still->fault.name},
         {"end_ns", still->fault.end},
         {"failed", still->failed},
         {"last_event_ns", still->last_event}});
  }

  static std::string WhatStandsStill(const Standstill& still) {
    if (still.last_event == 0) return "nothing happened";
    return still.failed > 0 ? "nothing succeeded" : "nothing got done";
  }

  static std::string WhatItTried(const Standstill& still) {
    if (still.last_event == 0) return "";
    if (still.failed == 0)
      return "; the last sign of life was at " + FormatDuration(still.last_event);
    return "; " + Count(still.failed, "operation") + " failed since, the last at " +
           FormatDuration(still.last_failure);
  }

  const TrialView& view_;
  std::vector<std::string> ops_;
  std::string final_, mark_;
  CheckResult result_;
  std::string unknown_;
  bool looked_ = false;
};

}  // namespace

std::string_view InvariantChecker::Summary() const {
  return "under faults: nothing acknowledged is lost or done twice, no byte strays, no task stays, "
         "and it goes on";
}

std::vector<CheckArgument> InvariantChecker::Arguments() const {
  return {{.name = "ops", .type = "texts", .required = false, .fallback = Json::array()},
          {.name = "final", .type = "text", .required = false, .fallback = "final"},
          {.name = "mark", .type = "text", .required = false, .fallback = ""}};
}

RecordingNeeds InvariantChecker::Needs(const Json& arguments) const {
  return {.wire = !GetString(arguments, "mark").empty()};
}

CheckResult InvariantChecker::Check(const TrialView& view, const Json& arguments) const {
  return Inspection(view, arguments).Run();
}

}  // namespace trireme
