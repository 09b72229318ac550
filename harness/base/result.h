#ifndef TRIREME_HARNESS_BASE_RESULT_H_
#define TRIREME_HARNESS_BASE_RESULT_H_

#include <utility>
#include <variant>

#include "harness/base/check.h"
#include "harness/base/diagnostic.h"

namespace trireme {

// A value, or the Diagnostic that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Diagnostic error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & {
    TRIREME_CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    TRIREME_CHECK(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    TRIREME_CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  const Diagnostic& error() const& {
    TRIREME_CHECK(!ok());
    return std::get<1>(state_);
  }
  Diagnostic&& error() && {
    TRIREME_CHECK(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Diagnostic> state_;
};

struct Done {};
// What a function returns that has nothing to say but that it failed: `return Done{};`.
using Status = Result<Done>;

}  // namespace trireme

// Evaluates `expression`, a Result; returns its error from the enclosing function, else names its value.
#define TRIREME_CONCAT_INNER(a, b) a##b
#define TRIREME_CONCAT(a, b) TRIREME_CONCAT_INNER(a, b)
#define TRIREME_ASSIGN_OR_RETURN(declaration, expression)                \
  auto TRIREME_CONCAT(trireme_result_, __LINE__) = (expression);         \
  if (!TRIREME_CONCAT(trireme_result_, __LINE__).ok())                   \
    return std::move(TRIREME_CONCAT(trireme_result_, __LINE__)).error(); \
  declaration = *std::move(TRIREME_CONCAT(trireme_result_, __LINE__))
#define TRIREME_RETURN_IF_ERROR(expression)                       \
  do {                                                            \
    if (auto trireme_status = (expression); !trireme_status.ok()) \
      return std::move(trireme_status).error();                   \
  } while (false)

#endif  // TRIREME_HARNESS_BASE_RESULT_H_
