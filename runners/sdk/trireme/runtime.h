#ifndef TRIREME_WORKLOAD_RUNTIME_H_
#define TRIREME_WORKLOAD_RUNTIME_H_

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "trireme/datagrams.h"
#include "trireme/errors.h"
#include "trireme/http.h"
#include "trireme/streams.h"
#include "trireme/sync.h"
#include "trireme/tasks.h"
#include "trireme/value.h"

namespace trireme {

namespace internal {

struct LocalSlot {
  virtual ~LocalSlot() = default;
};
template <typename T>
struct LocalSlotOf final : LocalSlot {
  T value{};
};
// The current task's slot of that name, or null; set by the other.
LocalSlot* FindLocal(std::string_view name, const void* type);
LocalSlot* AddLocal(std::string_view name, const void* type, std::unique_ptr<LocalSlot> slot);
template <typename T>
inline constexpr char kTypeTag = 0;

struct Job {
  virtual ~Job() = default;
  virtual void Run() = 0;
  // Nobody waits for it any more; it may stop.
  virtual void Abort() {}
};
template <typename F>
struct JobOf final : Job {
  using R = std::invoke_result_t<F&>;
  explicit JobOf(F function) : fn(std::move(function)) {}
  void Run() override {
    if constexpr (std::is_void_v<R>)
      fn();
    else
      result.emplace(fn());
  }
  F fn;
  std::optional<std::conditional_t<std::is_void_v<R>, Nothing, R>> result;
};
Task<> RunElsewhere(std::shared_ptr<Job> job);

// A deadline over the calls that one task makes inside a block.
class TimeoutBlock {
 public:
  explicit TimeoutBlock(double seconds);
  ~TimeoutBlock();
  TimeoutBlock(const TimeoutBlock&) = delete;
  TimeoutBlock& operator=(const TimeoutBlock&) = delete;

  int64_t deadline() const { return deadline_; }  // nanoseconds of the runtime's clock
  bool fired = false;

 private:
  friend struct TaskState;
  int64_t deadline_;
  TimeoutBlock* outer_;
};

template <typename F>
auto RunWithin(double seconds, F body) -> decltype(body()) {
  TimeoutBlock block(seconds);
  try {
    co_return co_await body();
  } catch (const DeadlineReached& reached) {
    if (reached.block() != &block) throw;
  }
  throw TimeoutExpired();
}

// Runs fn(args...) where it may block.
template <typename F, typename... A>
Task<std::invoke_result_t<F&, A...>> RunOffloaded(F fn, A... args) {
  auto call = [fn = std::move(fn), ... args = std::move(args)]() mutable {
    return fn(std::move(args)...);
  };
  auto job = std::make_shared<JobOf<decltype(call)>>(std::move(call));
  co_await RunElsewhere(job);
  if constexpr (!std::is_void_v<std::invoke_result_t<F&, A...>>) co_return std::move(*job->result);
}

}  // namespace internal

// One operation of the history: invoked when it is made; ended by Ok() or Fail(), else it is
// `info`: nobody knows.
class Operation {
 public:
  Operation(std::string_view name, const Value& value);
  Operation(Operation&& other) noexcept;
  Operation& operator=(Operation&&) = delete;
  ~Operation();

  void Ok(const Value& value = {});
  void Fail(const Value& error = {});
  // An errno is the error that IoError is with it: so that it has a family, as in Python. What is none is a number.
  template <std::same_as<int> Errno>
  void Fail(Errno error_number) {
    FailByErrno(error_number);
  }
  // With its class, family, errno and message, and the stack of where it was thrown while it is being handled.
  template <std::derived_from<std::exception> Error>
  void Fail(const Error& error) {
    FailBy(error);
  }
  // std::current_exception(), in a handler of everything.
  template <std::same_as<std::exception_ptr> Error>
  void Fail(const Error& error) {
    FailBy(error);
  }

 private:
  void FailByErrno(int error_number);
  void FailBy(const std::exception& error);
  void FailBy(const std::exception_ptr& error);

  uint64_t id_;
  int exceptions_;  // in flight when it began
  bool open_ = true;
  std::string name_;
};

// Numbers that depend on the trial's inputs and the task's path alone, the same in every language.
//
// SplitMix64, seeded by Mix64(inputs ^ FNV-1a of the path), one step a draw. The methods draw as
// those of Python's random.Random do over the same bits: Real() is random(), Below(n) is
// randrange(n), Choice() and Shuffle() are choice() and shuffle().
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  // As rt.random() is made.
  Random(uint64_t inputs, std::string_view path);
  uint64_t Next();
  // The upper bits of one draw. REQUIRES: 1 <= count <= 64.
  uint64_t Bits(int count) { return Next() >> (64 - count); }
  // In [0, bound), each as likely: draws as many bits as `bound` has until they are below it.
  // REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) {
    uint64_t value = bound;
    while (value >= bound) value = Bits(static_cast<int>(std::bit_width(bound)));
    return value;
  }
  // In [0, 1), of 53 bits.
  double Real() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // REQUIRES: `items` is not empty.
  template <typename Items>
  decltype(auto) Choice(Items& items) {
    return items[static_cast<size_t>(Below(std::size(items)))];
  }
  template <typename Items>
  void Shuffle(Items& items) {
    using std::swap;
    for (size_t i = std::size(items); i > 1; --i)
      swap(items[i - 1], items[static_cast<size_t>(Below(i))]);
  }

 private:
  uint64_t state_;
};

// The words of a command. Not an initializer list: g++ 12 cannot compile one whose call is awaited.
class Arguments {
 public:
  template <typename... Words>
  requires(std::is_convertible_v<Words, std::string>&&...) Arguments(const Words&... words)
      : words_(MakeVector(words...)) {}                                    // NOLINT
  Arguments(std::vector<std::string> words) : words_(std::move(words)) {}  // NOLINT

  std::vector<std::string>& words() { return words_; }

 private:
  template <typename... Words>
  static std::vector<std::string> MakeVector(const Words&... words) {
    std::vector<std::string> all;
    (all.emplace_back(words), ...);
    return all;
  }

  std::vector<std::string> words_;
};

struct Completed {
  int returncode = 0;  // -n: ended by signal n
  std::string out;
  std::string err;
};

// What a workload is written against: the same calls under every runtime. What may wait gives a
// Task to be awaited, and throws Cancelled or DeadlineReached when its task shall stop. Each call
// belongs to the task that makes it.
class Runtime {
 public:
  virtual ~Runtime();

  // Tasks. fn(args...) is a coroutine, or plain where it never waits; both are moved into the task.
  // Its name may come first.
  template <typename N, typename F, typename... A>
  requires std::is_convertible_v<N, std::string_view>
  auto Spawn(N&& name, F fn, A&&... args) {
    return Start({.name = std::string(std::string_view(name))}, std::move(fn),
                 std::forward<A>(args)...);
  }
  template <typename F, typename... A>
  requires(!std::is_convertible_v<F, std::string_view>) auto Spawn(F fn, A&&... args) {
    return Start({}, std::move(fn), std::forward<A>(args)...);
  }
  // Starts it `delay` seconds from now.
  template <typename F, typename... A>
  auto SpawnAfter(double delay, F fn, A&&... args) {
    return Start({.delay = delay}, std::move(fn), std::forward<A>(args)...);
  }
  template <typename T>
  Task<internal::ResultsOf<T>> Gather(std::vector<TaskHandle<T>>& tasks,
                                      internal::Place place = internal::Place::Here()) {
    std::vector<TaskHandle<T>*> all;
    for (TaskHandle<T>& task : tasks) all.push_back(&task);
    return internal::GatherAll<T>(std::move(all), place);
  }
  template <typename T>
  Task<internal::ResultsOf<T>> Gather(TaskHandle<T>& first,
                                      internal::Place place = internal::Place::Here()) {
    return internal::GatherAll<T>({&first}, place);
  }
  template <typename T>
  Task<internal::ResultsOf<T>> Gather(TaskHandle<T>& first, TaskHandle<T>& second,
                                      internal::Place place = internal::Place::Here()) {
    return internal::GatherAll<T>({&first, &second}, place);
  }
  template <typename T>
  Task<internal::ResultsOf<T>> Gather(TaskHandle<T>& first, TaskHandle<T>& second,
                                      TaskHandle<T>& third,
                                      internal::Place place = internal::Place::Here()) {
    return internal::GatherAll<T>({&first, &second, &third}, place);
  }
  // Of more than three the call does not know its place.
  template <typename T, std::same_as<TaskHandle<T>>... More>
  Task<internal::ResultsOf<T>> Gather(TaskHandle<T>& task, More&... more) {
    return internal::GatherAll<T>({&task, &more...}, internal::Place::Unknown());
  }
  Task<> Sleep(double seconds, internal::Place place = internal::Place::Here());
  // Lets others run.
  Task<> Checkpoint(internal::Place place = internal::Place::Here());
  // Returns when every other task of the trial is blocked.
  Task<> Settle(internal::Place place = internal::Place::Here());
  TaskInfo CurrentTask() const;
  // The current task's own T of that name, made when it is first asked for.
  template <typename T>
  T& Local(std::string_view name) {
    const void* type = &internal::kTypeTag<T>;
    internal::LocalSlot* slot = internal::FindLocal(name, type);
    if (slot == nullptr)
      slot = internal::AddLocal(name, type, std::make_unique<internal::LocalSlotOf<T>>());
    return static_cast<internal::LocalSlotOf<T>*>(slot)->value;
  }
  // Throws std::invalid_argument when `size` is 0.
  trireme::Pool Pool(size_t size, internal::Place place = internal::Place::Here()) {
    return trireme::Pool(internal::MakePool(*this, size, place));
  }

  // Coordination. A history names each of these, and pools and streams, by the place of the call that made it.
  trireme::Lock Lock(internal::Place place = internal::Place::Here());
  trireme::RLock RLock(internal::Place place = internal::Place::Here());
  trireme::Semaphore Semaphore(size_t count, internal::Place place = internal::Place::Here());
  trireme::Condition Condition(internal::Place place = internal::Place::Here());
  trireme::Event Event(internal::Place place = internal::Place::Here());
  template <typename T>
  trireme::Queue<T> Queue(size_t limit = 0, internal::Place place = internal::Place::Here()) {
    return trireme::Queue<T>(limit, place);
  }
  // Awaits body(), a coroutine; throws TimeoutExpired when DeadlineReached comes out of it for this
  // block.
  template <typename F>
  auto Timeout(double seconds, F&& body) -> std::invoke_result_t<std::decay_t<F>&> {
    internal::RefuseUnnamedLambda<F>();
    return internal::RunWithin<std::decay_t<F>>(seconds, std::forward<F>(body));
  }

  // Streams.
  Task<Listener> Listen(const std::string& host = "127.0.0.1", int port = 0,
                        internal::Place place = internal::Place::Here());
  Task<Listener> ListenUnix(const std::string& path,
                            internal::Place place = internal::Place::Here());
  Task<Stream> Connect(Address address, internal::Place place = internal::Place::Here());
  Task<std::pair<Stream, Stream>> Socketpair(internal::Place place = internal::Place::Here());
  // A datagram socket at that address; without one, on a port of its own of 127.0.0.1.
  Task<trireme::Datagram> Datagram(Address address = Address("127.0.0.1", 0),
                                   internal::Place place = internal::Place::Here());

  // Services. The handler is Response(Request) or Task<Response>(Request).
  template <typename F>
  Task<Server> HttpServer(F&& handler) {
    internal::RefuseUnnamedLambda<F>();
    return ServeHttp(
        std::make_shared<internal::HttpHandlerOf<std::decay_t<F>>>(std::forward<F>(handler)));
  }
  Task<Response> HttpRequest(std::string method, std::string url, std::string body = "",
                             internal::Place place = internal::Place::Here());
  // Calls fn every `interval` seconds, never two at once, until it is cancelled.
  template <typename F>
  TaskHandle<> Periodic(double interval, F fn) {
    return Spawn(
        "periodic",
        [](Runtime& rt, double pause, F call) -> Task<> {
          for (;;) {
            co_await rt.Sleep(pause, internal::Place::Same());
            if constexpr (internal::kIsTask<decltype(call())>)
              co_await call();
            else
              call();
          }
        },
        *this, interval, std::move(fn));
  }

  // Outside. Offload runs fn where it may block. With more than two arguments the call does not know its place.
  template <typename F>
  auto Offload(F&& fn, internal::Place place = internal::Place::Here()) {
    return OffloadAt(place, std::forward<F>(fn));
  }
  template <typename F, typename A>
  auto Offload(F&& fn, A a, internal::Place place = internal::Place::Here()) {
    return OffloadAt(place, std::forward<F>(fn), std::move(a));
  }
  template <typename F, typename A, typename B>
  auto Offload(F&& fn, A a, B b, internal::Place place = internal::Place::Here()) {
    return OffloadAt(place, std::forward<F>(fn), std::move(a), std::move(b));
  }
  template <typename F, typename... A>
  auto Offload(F&& fn, A... args) {
    return OffloadAt(internal::Place::Unknown(), std::forward<F>(fn), std::move(args)...);
  }
  Task<Completed> Subprocess(Arguments argv, std::string input = "",
                             internal::Place place = internal::Place::Here());
  Task<std::vector<std::string>> Resolve(std::string host,
                                         internal::Place place = internal::Place::Here());

  // Recording.
  void Observe(std::string_view key, const Value& value);
  void Outcome(std::string_view name);
  void Metric(std::string_view name, double value, std::string_view unit);
  Operation Op(std::string_view name, const Value& value = {}) { return Operation(name, value); }

  // About.
  virtual std::string_view runtime() const = 0;
  virtual std::string_view model() const = 0;
  virtual uint64_t seed() const = 0;
  std::string_view interpreter() const { return "cpp"; }
  Random& random();
  // Seconds of a clock that never goes back.
  double Now() const;

  // Later versions bring these.
  template <typename... A>
  Task<> WebsocketServer(A&&...) {
    NotAvailable("WebSocket");
  }
  template <typename... A>
  Task<> WebsocketConnect(A&&...) {
    NotAvailable("WebSocket");
  }
  template <typename... A>
  void Workers(A&&...) {
    NotAvailable("workers");
  }

 private:
  friend class trireme::Pool;

  template <typename F, typename... A>
  auto Start(internal::SpawnOptions options, F fn, A&&... args) {
    using R = internal::SpawnResult<F, A...>;
    auto body = std::make_shared<internal::SpawnedBody<R, F, internal::Stored<A>...>>(
        options.delay, std::move(fn), std::forward<A>(args)...);
    return TaskHandle<R>(internal::StartTask(*this, std::move(options), body), body);
  }
  template <typename F, typename... A>
  Task<std::invoke_result_t<std::decay_t<F>&, A...>> OffloadAt(const internal::Place& place, F&& fn,
                                                               A... args) {
    internal::RefuseUnnamedLambda<F>();
    internal::ComeTo(place);
    return internal::RunOffloaded<std::decay_t<F>, A...>(std::forward<F>(fn), std::move(args)...);
  }
  [[noreturn]] static void NotAvailable(std::string_view what);
  Task<Server> ServeHttp(std::shared_ptr<internal::HttpHandler> handler);
};

template <typename F, typename... A>
Task<TaskHandle<internal::SpawnResult<F, A...>>> Pool::SubmitTo(
    std::shared_ptr<internal::PoolCore> core, F fn, A... args) {
  co_await internal::TakeSlot(core);
  Runtime& rt = internal::RuntimeOf(*core);
  co_return rt.Start({.pool = std::move(core)}, std::move(fn), std::move(args)...);
}

template <typename F, typename T>
Task<internal::ResultsOf<internal::SpawnResult<F, T>>> Pool::MapOn(Pool pool, F fn,
                                                                   std::vector<T> items,
                                                                   internal::Place place) {
  using R = internal::SpawnResult<F, T>;
  internal::ComeTo(place);
  internal::MapTasks<R> tasks;
  for (T& item : items) tasks.Add(co_await SubmitTo<F, T>(pool.core_, fn, std::move(item)));
  co_return co_await internal::GatherAll<R>(tasks.All(), place);
}

}  // namespace trireme

#endif  // TRIREME_WORKLOAD_RUNTIME_H_
