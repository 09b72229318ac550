#include "runners/sdk/trial.h"

#include <unistd.h>

#include <cstdio>

#include "harness/base/strings.h"
#include "runners/sdk/census.h"
#include "runners/sdk/exceptions.h"
#include "runners/sdk/point.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/registry.h"
#include "runners/sdk/stack_source.h"

namespace trireme {
namespace {

// A coroutine that nobody awaits: it belongs to the task that it drives, and goes when that has
// ended.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

class TrialRuntime final : public Runtime {
 public:
  TrialRuntime(const Backend& backend, uint64_t seed) : backend_(backend), seed_(seed) {}
  std::string_view runtime() const override { return backend_.name(); }
  std::string_view model() const override { return backend_.model(); }
  uint64_t seed() const override { return seed_; }

 private:
  const Backend& backend_;
  uint64_t seed_;
};

class MainBody final : public internal::TaskBody {
 public:
  explicit MainBody(std::function<Task<>()> main) : main_(std::move(main)) {}
  Task<> Run() override { return main_(); }

 private:
  std::function<Task<>()> main_;
};

Params ToParams(const Json& json) {
  std::vector<std::pair<std::string, Value>> members;
  for (const auto& [name, value] : json.items())
    members.emplace_back(name, Value::FromJson(DumpJson(value)));
  return Params(std::move(members));
}

std::string_view NameOf(TaskEnd end) {
  switch (end) {
    case TaskEnd::kReturned:
      return "returned";
    case TaskEnd::kRaised:
      return "raised";
    case TaskEnd::kCancelled:
      return "cancelled";
  }
  return "";
}

bool IsUnsupported(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Unsupported&) {
    return true;
  } catch (...) {
    return false;
  }
}

void RecordEnd(const TaskState& main) {
  if (!main.error)
    RecordFor(main.number, TRIREME_END, 0, "returned");
  else
    RecordFor(main.number, TRIREME_END, 0, IsUnsupported(main.error) ? "unsupported" : "raised",
              main.described);
}

// The workload forked and let the child go on. The trial ends where it began.
[[noreturn]] void LeaveFork() {
  std::fflush(nullptr);
  ::_exit(0);
}

Detached DriveCoroutine(std::shared_ptr<TaskState> task) {
  try {
    task->ThrowIfStopped();
    co_await task->body->Run();
  } catch (const Cancelled&) {
    task->end = TaskEnd::kCancelled;
    task->error = std::current_exception();
  } catch (...) {
    task->end = TaskEnd::kRaised;
    task->error = std::current_exception();
  }
  if (!task->ended) Finish(task);
}

std::shared_ptr<TaskState> MakeMain(Backend& backend, std::function<Task<>()> main) {
  auto task = std::make_shared<TaskState>();
  task->number = Probe().new_task();
  task->path = "1";
  task->name = "main";
  task->backend = &backend;
  task->native = backend.NewNative();
  task->body = std::make_shared<MainBody>(std::move(main));
  RecordFor(task->number, TRIREME_TASK_START, 0, task->path, task->name);
  TaskRegistry::Get().Add(task);
  return task;
}

Value BeginValue(const Backend& backend, const TrialOptions& options) {
  return Value::Json(DumpJson({{"seed", FormatHex(options.seed)},
                               {"inputs", FormatHex(options.inputs)},
                               {"params", options.params},
                               {"runtime", std::string(backend.name())},
                               {"environment", options.environment}}));
}

}  // namespace

void Drive(const std::shared_ptr<TaskState>& task) {
  DriveCoroutine(task);
  if (task->backend->blocking() && !task->ended) EndLost(task);
}

void EndLost(const std::shared_ptr<TaskState>& task) {
  task->end = TaskEnd::kRaised;
  task->error = std::make_exception_ptr(std::logic_error(
      "a coroutine of " + task->name +
      " left neither by its end nor to wait in a call of the workload API: g++ before 12.3 "
      "compiles one so that awaits in the condition of an if, switch, while or do and has no local "
      "variable "
      "(GCC bug 106188): put what it awaits into a variable first, or compile with CXX=clang++"));
  Finish(task);
}

void Finish(const std::shared_ptr<TaskState>& task) {
  if (task->path == "1" && ::getpid() != TaskRegistry::Get().process()) LeaveFork();
  internal::ReleasePlace(*task);  // recorded while it is still a task
  if (task->error) task->described = ErrorValue(task->error);
  RecordFor(task->number, TRIREME_TASK_END, 0, NameOf(task->end), task->described);
  task->locals.clear();
  TaskRegistry::Get().End(task);
  MutexLock lock(task->mutex);
  task->ended.store(true, std::memory_order_release);
  task->joiners.WakeAll();
}

void RunTrial(Backend& backend, const TrialOptions& options,
              const std::function<Task<>(Runtime&, const Params&)>& main) {
  Record(TRIREME_BEGIN, 0, {}, BeginValue(backend, options));
  InstallTerminateHandler();
  TaskRegistry::Get().Begin(options.inputs);
  AskForTaskFaults();
  InstallStackSource();
  TrialRuntime& rt =
      *new TrialRuntime(backend, options.seed);  // tasks that outlive main may still use it
  const Params& params = *new Params(ToParams(options.params));
  backend.Prepare();
  const std::shared_ptr<TaskState> task = MakeMain(backend, [&] { return main(rt, params); });
  const Census census;
  backend.PrepareMain(task);
  options.before_main();
  backend.RunMain(task);
  const int64_t deadline = static_cast<int64_t>(Probe().now()) + kCensusGrace;
  backend.Linger(deadline, [&] { return census.Clean(); });
  for (const auto& raised : TaskRegistry::Get().Unjoined())
    if (raised != task)
      RecordFor(raised->number, TRIREME_EXCEPTION, 0, "task", raised->described);
  census.Report();
  // Last: a trial that something ended before this has not said all that there was to say.
  RecordEnd(*task);
}

void WriteTasks(int fd) { TaskRegistry::Get().Write(fd); }

std::vector<std::shared_ptr<TaskState>> LiveTasks() { return TaskRegistry::Get().Live(); }

}  // namespace trireme
