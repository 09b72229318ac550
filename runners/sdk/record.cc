#include <exception>

#include "runners/sdk/exceptions.h"
#include "runners/sdk/probe.h"
#include "trireme/runtime.h"

namespace trireme {

Operation::Operation(std::string_view name, const Value& value)
    : id_(Probe().new_operation()), exceptions_(std::uncaught_exceptions()), name_(name) {
  Record(TRIREME_INVOKE, id_, name_, value);
}

Operation::Operation(Operation&& other) noexcept
    : id_(other.id_),
      exceptions_(other.exceptions_),
      open_(std::exchange(other.open_, false)),
      name_(std::move(other.name_)) {}

Operation::~Operation() {
  if (!open_) return;
  if (std::uncaught_exceptions() > exceptions_)
    Record(TRIREME_INFO, id_, name_, ErrorValue(LastThrown()));
  else
    Record(TRIREME_INFO, id_, name_);
}

void Operation::Ok(const Value& value) {
  if (!std::exchange(open_, false)) return;
  Record(TRIREME_OK, id_, name_, value);
}

void Operation::Fail(const Value& error) {
  if (!std::exchange(open_, false)) return;
  Record(TRIREME_FAIL, id_, name_, error);
}

void Operation::FailByErrno(int error_number) { Fail(ErrnoValue(error_number)); }

void Operation::FailBy(const std::exception& error) { Fail(ErrorValue(error)); }

void Operation::FailBy(const std::exception_ptr& error) { Fail(ErrorValue(error)); }

void Runtime::Observe(std::string_view key, const Value& value) {
  Record(TRIREME_OBSERVE, 0, key, value);
}

void Runtime::Outcome(std::string_view name) { Record(TRIREME_OUTCOME, 0, name); }

void Runtime::Metric(std::string_view name, double value, std::string_view unit) {
  Record(TRIREME_METRIC, 0, name, Value(std::vector<Value>{value, unit}));
}

}  // namespace trireme
