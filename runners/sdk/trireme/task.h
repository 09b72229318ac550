#ifndef TRIREME_WORKLOAD_TASK_H_
#define TRIREME_WORKLOAD_TASK_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace trireme {

template <typename T = void>
class Task;

namespace internal {

struct PromiseBase {
  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      const std::coroutine_handle<> next = ended.promise().continuation;
      return next ? next : std::coroutine_handle<>(std::noop_coroutine());
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  std::coroutine_handle<> continuation;
  std::exception_ptr error;
};

template <typename T>
struct Promise : PromiseBase {
  Task<T> get_return_object() noexcept;
  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T Take() { return std::move(*value); }
  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void Take() const noexcept {}
};

struct Nothing {};

template <typename T>
struct ReadyValue {
  using Type = T;
};
template <>
struct ReadyValue<void> {
  using Type = Nothing;
};

}  // namespace internal

// What a workload's coroutine returns, and what is awaited: `int n = co_await Read(stream);`.
//
// A coroutine does not start before it is awaited, and is awaited once. It then runs on its
// caller's stack until it first has to wait, so that on a runtime whose calls block nothing ever
// suspends; what it waits for later resumes it and, by symmetric transfer, its caller. A call of
// the API that is already done holds its value and no coroutine.
template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::Promise<T>;
  using Held = typename internal::ReadyValue<T>::Type;

  // One that is done.
  static Task Ready(Held value) { return Task(std::in_place, std::move(value)); }
  bool is_ready() const { return !coroutine_; }

  Task(Task&& other) noexcept
      : coroutine_(std::exchange(other.coroutine_, nullptr)), ready_(std::move(other.ready_)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  bool await_ready() {
    if (!coroutine_) return true;
    coroutine_.resume();
    return coroutine_.done();
  }
  void await_suspend(std::coroutine_handle<> caller) noexcept {
    coroutine_.promise().continuation = caller;
  }
  T await_resume() {
    if (!coroutine_) {
      if constexpr (std::is_void_v<T>)
        return;
      else
        return std::move(*ready_);
    }
    if (coroutine_.promise().error) std::rethrow_exception(std::move(coroutine_.promise().error));
    return coroutine_.promise().Take();
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
  Task(std::in_place_t, Held&& value) : ready_(std::move(value)) {}

  std::coroutine_handle<promise_type> coroutine_;
  std::optional<Held> ready_;
};

namespace internal {

template <typename T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<> Done() { return Task<>::Ready({}); }

template <typename T>
inline constexpr bool kIsTask = false;
template <typename T>
inline constexpr bool kIsTask<Task<T>> = true;

// g++ before 13 destroys what a lambda captured by value twice, when the lambda is written inside an
// awaited expression (GCC bug 99576): memory is corrupted far from there. What is handed to a call
// that is awaited is refused while it has no name. One that can only be moved cannot be told from a
// lambda that has one.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
template <typename F>
constexpr bool IsLambda() {
  return std::string_view(__PRETTY_FUNCTION__).find("<lambda(") != std::string_view::npos;
}
template <typename F>
inline constexpr bool kSurvivesAwait =
    std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<F> ||
    !std::is_copy_constructible_v<F> || !IsLambda<F>();
#else
template <typename F>
inline constexpr bool kSurvivesAwait = true;
#endif
template <typename F>
constexpr void RefuseUnnamedLambda() {
  static_assert(kSurvivesAwait<F>,
                "g++ before 13 destroys twice what a lambda captures by value when it is written "
                "inside an awaited call: name it first, `auto fn = [x] {...}; co_await "
                "rt.Offload(fn);`, or compile with CXX=clang++");
}

// What a function gives that may be a coroutine or plain.
template <typename R>
struct Awaited {
  using Type = R;
};
template <typename T>
struct Awaited<Task<T>> {
  using Type = T;
};

}  // namespace internal
}  // namespace trireme

#endif  // TRIREME_WORKLOAD_TASK_H_
