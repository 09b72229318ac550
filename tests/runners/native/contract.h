#ifndef TRIREME_TESTS_RUNNERS_NATIVE_CONTRACT_H_
#define TRIREME_TESTS_RUNNERS_NATIVE_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "harness/probe/probe_abi.h"
#include "trireme/workload.h"

namespace trireme {

// What a trial recorded.
struct Recorded {
  uint32_t task = 0;
  trireme_event kind{};
  uint64_t id = 0;
  std::string key;
  trireme_type type{};
  std::string value;  // integers and numbers as text, bytes as they are

  Json json() const { return ParseJson(value, "value").value(); }
};

class Recording {
 public:
  explicit Recording(std::vector<Recorded> events) : events_(std::move(events)) {}
  std::vector<Recorded> Of(trireme_event kind, std::string_view key = "") const;
  // The only one. Fails the test, and gives an empty event, when there is none or are several.
  Recorded One(trireme_event kind, std::string_view key = "") const;
  const Recorded& Last() const { return events_.back(); }
  const std::vector<Recorded>& all() const { return events_; }
  // The number of the task with that path.
  uint32_t TaskOf(std::string_view path) const;
  // And the other way round.
  std::string PathOf(uint32_t task) const;

 private:
  std::vector<Recorded> events_;
};

// One line of tests/contract/cases.txt: a workload, and what its recording must be.
struct ContractCase {
  std::string name;
  Task<> (*main)(Runtime& rt);
  void (*check)(const Recording& recording);
};

std::vector<ContractCase>& ContractCases();

// Runs it in a process of its own, as a trial is; gives how that ended, as waitpid(2) does. 0: all
// expectations held.
int RunInChild(const ContractCase& contract_case, const std::string& runtime);
std::vector<std::string> CppRuntimes();

struct ContractRegistration {
  ContractRegistration(const char* name, Task<> (*main)(Runtime&),
                       void (*check)(const Recording&) = nullptr);
};

// CONTRACT(recv_returns_empty_at_end) { ... } is the workload of the case
// recv-returns-empty-at-end, a coroutine with `rt`.
#define CONTRACT(name)                                      \
  Task<> name(Runtime& rt);                                 \
  const ContractRegistration kRegister_##name(#name, name); \
  Task<> name([[maybe_unused]] Runtime& rt)
// The same, followed by CONTRACT_RECORDS(name) { ... }, which looks at `recording` when the trial
// is over.
#define CONTRACT_WITH_RECORDS(name)                                         \
  Task<> name(Runtime& rt);                                                 \
  void name##_records(const Recording& recording);                          \
  const ContractRegistration kRegister_##name(#name, name, name##_records); \
  Task<> name([[maybe_unused]] Runtime& rt)
#define CONTRACT_RECORDS(name) void name##_records(const Recording& recording)

// Whether awaiting `task` throws an E.
template <typename E, typename T>
Task<bool> Throws(Task<T> task) {
  try {
    co_await std::move(task);
  } catch (const E&) {
    co_return true;
  }
  co_return false;
}

// The same for a call that may throw before it gives what is to be awaited: Raises<IoError>([&] {
// return stream.Recv(1); }).
template <typename E, typename F>
Task<bool> Raises(F call) {
  try {
    co_await call();
  } catch (const E&) {
    co_return true;
  }
  co_return false;
}

// The errno of the IoError that a call throws; 0 if it throws none.
template <typename F>
Task<int> ErrnoOf(F call) {
  try {
    co_await call();
  } catch (const IoError& error) {
    co_return error.error_number();
  }
  co_return 0;
}

// Lets `task` block, cancels it, and expects its join to throw Cancelled. The task is spawned
// before: g++ 12 destroys what a lambda captured twice, when the lambda is written inside an
// awaited call.
inline Task<> ExpectCancels(Runtime& rt, TaskHandle<>& task) {
  co_await rt.Settle();
  EXPECT_FALSE(task.Done());
  task.Cancel();
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return task.Join(); }));
  EXPECT_TRUE(task.Done());
}

// Expects TimeoutExpired of a block that awaits `wait`, and no sooner than its seconds.
template <typename F>
Task<> ExpectExpires(Runtime& rt, F wait) {
  constexpr double kSeconds = 0.05;
  const double begin = rt.Now();
  EXPECT_TRUE(co_await Raises<TimeoutExpired>([&] { return rt.Timeout(kSeconds, wait); }));
  EXPECT_GE(rt.Now() - begin, kSeconds);
}

}  // namespace trireme

#endif  // TRIREME_TESTS_RUNNERS_NATIVE_CONTRACT_H_
