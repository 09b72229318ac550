#ifndef TRIREME_TESTS_HARNESS_CHECK_TRIAL_BUILDER_H_
#define TRIREME_TESTS_HARNESS_CHECK_TRIAL_BUILDER_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/check/checker.h"
#include "harness/check/trial_view.h"
#include "harness/history/writer.h"

namespace trireme {

inline constexpr int64_t kMs = kNanosecondsPerMillisecond;

// Builds the history of a trial, event by event, and shows it to a check. Times are nanoseconds
// since the trial began.
class TrialBuilder {
 public:
  // The workload began, and main ("1") started; the process will have exited in order unless Exit()
  // says otherwise.
  TrialBuilder() {
    Add(EventKind::kBegin, 0, "", Json::object());
    Task(1, "1", "main", 0);
  }
  // Without BEGIN and main.
  struct Empty {};
  explicit TrialBuilder(Empty) {}

  TrialBuilder& Add(EventKind kind, int64_t time, const std::string& key, Json value = nullptr,
                    uint32_t task = 1, uint64_t id = 0) {
    events_.push_back({.kind = kind,
                       .time = time,
                       .key = key,
                       .value = std::move(value),
                       .task = task,
                       .id = id,
                       .process = 100,
                       .thread = 100});
    return *this;
  }
  TrialBuilder& Task(uint32_t number, const std::string& path, const std::string& name,
                     int64_t time) {
    return Add(EventKind::kTaskStart, time, path, name, number, 1);
  }
  TrialBuilder& TaskEnd(uint32_t number, int64_t time) {
    return Add(EventKind::kTaskEnd, time, "returned", nullptr, number);
  }
  // An operation that was acknowledged.
  TrialBuilder& Op(uint32_t task, const std::string& name, int64_t from, int64_t to,
                   Json value = nullptr) {
    return Operation(EventKind::kOk, task, name, from, to, std::move(value));
  }
  TrialBuilder& Operation(EventKind end, uint32_t task, const std::string& name, int64_t from,
                          int64_t to, Json value = nullptr, Json result = nullptr) {
    OpenOp(task, name, from, std::move(value));
    return Add(end, to, name, std::move(result), task, next_operation_ - 1);
  }
  TrialBuilder& OpenOp(uint32_t task, const std::string& name, int64_t from, Json value = nullptr) {
    return Add(EventKind::kInvoke, from, name, std::move(value), task, next_operation_++);
  }
  TrialBuilder& Observe(const std::string& key, Json value, int64_t time = 900) {
    return Add(EventKind::kObserve, time, key, std::move(value));
  }
  TrialBuilder& End(const std::string& how = "returned", Json value = nullptr,
                    int64_t time = 1000) {
    return Add(EventKind::kEnd, time, how, std::move(value));
  }
  // How the process ended; `value` completes what the engine writes.
  TrialBuilder& Exit(const std::string& how, const Json& value = Json::object(),
                     int64_t time = 2000) {
    Json exit = {{"status", 0},
                 {"code", 0},
                 {"signal", nullptr},
                 {"timeout_ns", 10'000},
                 {"seconds", 0.5},
                 {"user", 0.25},
                 {"system", 0.125},
                 {"rss", 4096},
                 {"orphans", Json::array()},
                 {"memory_limit", nullptr},
                 {"memory_exceeded", false},
                 {"protocol_error", nullptr}};
    exit.update(value);
    exited_ = true;
    return Add(EventKind::kExit, time, how, std::move(exit), 0);
  }
  TrialBuilder& Stacks(std::string text) {
    stacks_ = std::move(text);
    return *this;
  }
  TrialBuilder& Cell(Json cell) {
    cell_ = std::move(cell);
    return *this;
  }

  // Of the event that was added last.
  void SetProcess(uint32_t process) { events_.back().process = events_.back().thread = process; }

  void SetTask(uint32_t task) { events_.back().task = task; }

  void SetThread(uint32_t thread) { events_.back().thread = thread; }

  // What the recording looked for.
  TrialBuilder& Watched(const HistoryFacts& facts) {
    facts_ = facts;
    return *this;
  }

  // Ends main and the process where that has not been said.
  TrialBuilder& Finish() {
    if (!exited_) End().Exit("exited");
    return *this;
  }
  // In the order of their times, as a recorder would have seen them.
  std::string Bytes() const {
    std::vector<NewEvent> events = events_;
    std::stable_sort(events.begin(), events.end(),
                     [](const NewEvent& a, const NewEvent& b) { return a.time < b.time; });
    return EncodeHistory(0, events, facts_);
  }

  CheckResult Check(const TrialChecker& checker, const Json& arguments = Json::object()) {
    Finish();
    return RunChecker(checker, View(), arguments);
  }
  const TrialView& View() {
    Result<History> history = History::Parse(Bytes());
    TRIREME_CHECK(history.ok());
    history_ = std::make_shared<History>(*std::move(history));
    view_ = MakeTrialView(*history_, cell_, stacks_);
    return view_;
  }

 private:
  std::vector<NewEvent> events_;
  HistoryFacts facts_;
  uint64_t next_operation_ = 1;
  bool exited_ = false;
  std::string stacks_;
  Json cell_ = {{"id", "cell"}, {"scenario", "tests/example"}};
  std::shared_ptr<History>
      history_;  // shared by copies of the builder, which make their own view of it
  TrialView view_;
};

inline Json ErrorJson(const std::string& type, const std::string& family,
                      const Json& number = nullptr, const std::string& message = "",
                      const std::vector<std::string>& stack = {}) {
  return {{"error", type},
          {"family", family},
          {"errno", number},
          {"message", message},
          {"stack", stack}};
}

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_CHECK_TRIAL_BUILDER_H_
