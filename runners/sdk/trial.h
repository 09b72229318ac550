#ifndef TRIREME_RUNNERS_SDK_TRIAL_H_
#define TRIREME_RUNNERS_SDK_TRIAL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "runners/sdk/backend.h"
#include "trireme/workload.h"

namespace trireme {

// How long what outlives main may take to end before the census counts it. Costs nothing when
// nothing does.
inline constexpr int64_t kCensusGrace = 500'000'000;

struct TrialOptions {
  uint64_t seed = 0;
  uint64_t inputs = 0;
  Json params = Json::object();
  Json environment = Json::object();
  std::function<void()> before_main = [] {};  // the runtime is ready
};

using WorkloadMain = Task<> (*)(Runtime& rt, const Params& params);

// Runs `main` on `backend` in this process, records all of it from BEGIN by way of the census to
// END, and returns. One a process: what the workload left running is still there, and the caller ends the
// process.
void RunTrial(Backend& backend, const TrialOptions& options,
              const std::function<Task<>(Runtime&, const Params&)>& main);

// The coroutine that runs a task from its start to its end; what a backend calls where the task's
// stack begins. Where coroutines suspend it returns before that.
void Drive(const std::shared_ptr<TaskState>& task);
// Ends a task that went away without an end and waits for nothing: nothing would ever resume it.
void EndLost(const std::shared_ptr<TaskState>& task);

// The last step of that: tells everybody that the task has ended, as its `end` and `error` say. For one that could not be
// started it is all there is.
void Finish(const std::shared_ptr<TaskState>& task);

// One line a task that has not ended: "1.2 reader: waits in recv (point 7)". For the stacks of a
// hung trial: takes no lock that may be held for ever, allocates nothing.
void WriteTasks(int fd);

// Every task that has not ended.
std::vector<std::shared_ptr<TaskState>> LiveTasks();

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_TRIAL_H_
