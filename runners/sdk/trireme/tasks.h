#ifndef TRIREME_WORKLOAD_TASKS_H_
#define TRIREME_WORKLOAD_TASKS_H_

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "trireme/sync.h"
#include "trireme/task.h"
#include "trireme/value.h"

namespace trireme {

class Runtime;

namespace internal {

struct TaskState;
class PoolCore;

// What a task runs.
class TaskBody {
 public:
  virtual ~TaskBody();
  virtual Task<> Run() = 0;
};

template <typename T>
class TaskOutput : public TaskBody {
 public:
  // Asked again it gives the same, where T can be copied.
  T Get() {
    if constexpr (std::is_copy_constructible_v<T>)
      return *value_;
    else
      return std::move(*value_);
  }

 protected:
  std::optional<T> value_;
};
template <>
class TaskOutput<void> : public TaskBody {
 public:
  void Get() const {}
};

// The runtime and the parameters outlive every task: those two are passed by reference.
template <typename A>
using Stored = std::conditional_t<std::is_same_v<std::decay_t<A>, Runtime> ||
                                      std::is_same_v<std::decay_t<A>, Params>,
                                  std::remove_reference_t<A>&, std::decay_t<A>>;

struct SpawnOptions {
  std::string name = {};
  double delay = 0;
  std::shared_ptr<PoolCore> pool = nullptr;  // a slot of it is held, and freed at the end
};

std::shared_ptr<TaskState> StartTask(Runtime& rt, SpawnOptions options,
                                     std::shared_ptr<TaskBody> body);
Task<> SleepBefore(double seconds);
Task<> WaitEnd(std::shared_ptr<TaskState> task);  // throws only what stops the waiting task
Task<> JoinTask(std::shared_ptr<TaskState> task);
void TakeResult(TaskState& task);  // REQUIRES: it ended. Counts as a join; throws its exception
void CancelTask(TaskState& task);
void CancelAndJoin(TaskState& task) noexcept;
void AwaitEnd(TaskState& task) noexcept;  // whatever stops the waiting task
void DetachTask(TaskState& task);
bool TaskEnded(const TaskState& task);
const std::string& TaskName(const TaskState& task);
const std::string& TaskPath(const TaskState& task);

// Keeps the callable and its arguments until the task ends.
template <typename R, typename F, typename... A>
class SpawnedBody final : public TaskOutput<R> {
 public:
  SpawnedBody(double delay, F fn, A... args)
      : delay_(delay),
        call_(std::in_place, std::move(fn), std::tuple<A...>(std::forward<A>(args)...)) {}

  Task<> Run() override {
    struct Release {
      std::optional<Call>& call;
      ~Release() { call.reset(); }
    } release{call_};
    if (delay_ > 0) co_await SleepBefore(delay_);
    if constexpr (kIsTask<decltype(Invoke())>) {
      if constexpr (std::is_void_v<R>)
        co_await Invoke();
      else
        this->value_.emplace(co_await Invoke());
    } else {
      if constexpr (std::is_void_v<R>)
        Invoke();
      else
        this->value_.emplace(Invoke());
    }
  }

 private:
  using Call = std::pair<F, std::tuple<A...>>;
  auto Invoke() { return std::apply(call_->first, std::move(call_->second)); }

  double delay_;
  std::optional<Call> call_;
};

template <typename F, typename... A>
using SpawnResult = typename Awaited<std::invoke_result_t<std::decay_t<F>&, Stored<A>...>>::Type;

}  // namespace internal

// Says which task it is.
struct TaskInfo {
  std::string path;  // "1.3.2": the second spawn of the third spawn of main
  std::string name;
};

// A task that was spawned. Destroying one that was neither joined nor detached cancels the task and
// waits for its end, so that nothing it borrows is left dangling; its exception then counts as one
// that nobody joined.
template <typename T = void>
class [[nodiscard]] TaskHandle {
 public:
  TaskHandle() = default;
  TaskHandle(std::shared_ptr<internal::TaskState> state,
             std::shared_ptr<internal::TaskOutput<T>> output)
      : state_(std::move(state)), output_(std::move(output)) {}
  TaskHandle(TaskHandle&&) noexcept = default;
  TaskHandle& operator=(TaskHandle&& other) noexcept {
    if (this != &other) {
      Abandon();
      state_ = std::move(other.state_);
      output_ = std::move(other.output_);
    }
    return *this;
  }
  ~TaskHandle() { Abandon(); }

  // Its result, or throws its exception; Cancelled when it was cancelled.
  Task<T> Join(internal::Place place = internal::Place::Here()) {
    internal::ComeTo(place);
    Task<> joined = internal::JoinTask(state_);
    if (!joined.is_ready()) return JoinLater(std::move(joined), output_);
    if constexpr (std::is_void_v<T>)
      return joined;
    else
      return Task<T>::Ready(output_->Get());
  }
  // Stops it at its next call of the API, or in the one it waits in. Does nothing to one that
  // ended.
  void Cancel() { internal::CancelTask(*state_); }
  bool Done() const { return internal::TaskEnded(*state_); }
  // It goes on by itself.
  void Detach() {
    internal::DetachTask(*state_);
    state_.reset();
  }
  const std::string& name() const { return internal::TaskName(*state_); }
  const std::string& path() const { return internal::TaskPath(*state_); }
  const std::shared_ptr<internal::TaskState>& state() const { return state_; }
  // REQUIRES: Done().
  T Result() {
    internal::TakeResult(*state_);
    return output_->Get();
  }

 private:
  static Task<T> JoinLater(Task<> joined, std::shared_ptr<internal::TaskOutput<T>> output) {
    co_await std::move(joined);
    co_return output->Get();
  }
  void Abandon() noexcept {
    if (state_) internal::CancelAndJoin(*state_);
  }

  std::shared_ptr<internal::TaskState> state_;
  std::shared_ptr<internal::TaskOutput<T>> output_;
};

template <>
inline Task<void> TaskHandle<void>::JoinLater(Task<> joined,
                                              std::shared_ptr<internal::TaskOutput<void>>) {
  return joined;
}

namespace internal {

// Waits for all, then takes the results in order; the first exception in that order is thrown after
// all have ended.
template <typename T>
class Results {
 public:
  void Take(TaskHandle<T>& task) {
    try {
      if constexpr (std::is_void_v<T>)
        task.Result();
      else
        values_.push_back(task.Result());
    } catch (...) {
      if (!first_) first_ = std::current_exception();
    }
  }
  auto Finish() {
    if (first_) std::rethrow_exception(first_);
    if constexpr (!std::is_void_v<T>) return std::move(values_);
  }

 private:
  std::vector<std::conditional_t<std::is_void_v<T>, Nothing, T>> values_;
  std::exception_ptr first_;
};

template <typename T>
using ResultsOf =
    std::conditional_t<std::is_void_v<T>, void,
                       std::vector<std::conditional_t<std::is_void_v<T>, Nothing, T>>>;

template <typename T>
Task<ResultsOf<T>> GatherAll(std::vector<TaskHandle<T>*> tasks, Place place) {
  ComeTo(place);
  for (TaskHandle<T>* task : tasks) co_await WaitEnd(task->state());
  Results<T> results;
  for (TaskHandle<T>* task : tasks) results.Take(*task);
  co_return results.Finish();
}
template <>
inline Task<void> GatherAll<void>(std::vector<TaskHandle<void>*> tasks, Place place) {
  ComeTo(place);
  for (TaskHandle<void>* task : tasks) co_await WaitEnd(task->state());
  Results<void> results;
  for (TaskHandle<void>* task : tasks) results.Take(*task);
  results.Finish();
}

// The tasks of a Map(). One that is stopped ends them first: they work on what its caller is about
// to let go of.
template <typename T>
class MapTasks {
 public:
  MapTasks() = default;
  ~MapTasks() {
    for (TaskHandle<T>& task : tasks_) CancelTask(*task.state());
    for (TaskHandle<T>& task : tasks_) AwaitEnd(*task.state());
  }
  MapTasks(const MapTasks&) = delete;
  MapTasks& operator=(const MapTasks&) = delete;

  void Add(TaskHandle<T> task) { tasks_.push_back(std::move(task)); }
  std::vector<TaskHandle<T>*> All() {
    std::vector<TaskHandle<T>*> all;
    for (TaskHandle<T>& task : tasks_) all.push_back(&task);
    return all;
  }

 private:
  std::vector<TaskHandle<T>> tasks_;
};

std::shared_ptr<PoolCore> MakePool(Runtime& rt, size_t size, const Place& place);
Runtime& RuntimeOf(PoolCore& pool);
Task<> TakeSlot(std::shared_ptr<PoolCore> pool);
Task<> JoinPool(std::shared_ptr<PoolCore> pool);

}  // namespace internal

// At most `size` functions at once. A handle.
class Pool {
 public:
  explicit Pool(std::shared_ptr<internal::PoolCore> core) : core_(std::move(core)) {}

  // Waits for a free place, then starts fn(args...). The pool keeps the task: a handle that is
  // dropped cancels nothing. With more than four arguments the call does not know its place.
  template <typename F>
  auto Submit(F&& fn, internal::Place place = internal::Place::Here()) {
    return SubmitAt(place, std::forward<F>(fn));
  }
  template <typename F, typename A>
  auto Submit(F&& fn, A a, internal::Place place = internal::Place::Here()) {
    return SubmitAt(place, std::forward<F>(fn), std::move(a));
  }
  template <typename F, typename A, typename B>
  auto Submit(F&& fn, A a, B b, internal::Place place = internal::Place::Here()) {
    return SubmitAt(place, std::forward<F>(fn), std::move(a), std::move(b));
  }
  template <typename F, typename A, typename B, typename C>
  auto Submit(F&& fn, A a, B b, C c, internal::Place place = internal::Place::Here()) {
    return SubmitAt(place, std::forward<F>(fn), std::move(a), std::move(b), std::move(c));
  }
  template <typename F, typename A, typename B, typename C, typename D>
  auto Submit(F&& fn, A a, B b, C c, D d, internal::Place place = internal::Place::Here()) {
    return SubmitAt(place, std::forward<F>(fn), std::move(a), std::move(b), std::move(c),
                    std::move(d));
  }
  template <typename F, typename... A>
  auto Submit(F&& fn, A... args) {
    return SubmitAt(internal::Place::Unknown(), std::forward<F>(fn), std::move(args)...);
  }
  // fn of each item; results in the order of the items. When it is stopped, it cancels its tasks and
  // waits for their end.
  template <typename F, typename T>
  Task<internal::ResultsOf<internal::SpawnResult<std::decay_t<F>, T>>> Map(
      F&& fn, std::vector<T> items, internal::Place place = internal::Place::Here()) {
    internal::RefuseUnnamedLambda<F>();
    return MapOn<std::decay_t<F>, T>(*this, std::forward<F>(fn), std::move(items), place);
  }
  // Returns when everything submitted has ended; takes no results.
  Task<> Join(internal::Place place = internal::Place::Here()) {
    internal::ComeTo(place);
    return internal::JoinPool(core_);
  }

 private:
  template <typename F, typename... A>
  Task<TaskHandle<internal::SpawnResult<std::decay_t<F>, A...>>> SubmitAt(
      const internal::Place& place, F&& fn, A... args) {
    internal::RefuseUnnamedLambda<F>();
    internal::ComeTo(place);
    return SubmitTo<std::decay_t<F>, A...>(core_, std::forward<F>(fn), std::move(args)...);
  }
  template <typename F, typename... A>
  static Task<TaskHandle<internal::SpawnResult<F, A...>>> SubmitTo(
      std::shared_ptr<internal::PoolCore> core, F fn, A... args);
  template <typename F, typename T>
  static Task<internal::ResultsOf<internal::SpawnResult<F, T>>> MapOn(Pool pool, F fn,
                                                                      std::vector<T> items,
                                                                      internal::Place place);

  std::shared_ptr<internal::PoolCore> core_;
};

}  // namespace trireme

#endif  // TRIREME_WORKLOAD_TASKS_H_
