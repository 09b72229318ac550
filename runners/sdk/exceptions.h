#ifndef TRIREME_RUNNERS_SDK_EXCEPTIONS_H_
#define TRIREME_RUNNERS_SDK_EXCEPTIONS_H_

#include <exception>
#include <memory>

#include "trireme/value.h"

namespace trireme {

// The JSON error of probe_abi.h: class, family, errno, message, and the stack of where it was
// thrown, as far as that is still known; else the last call of the API before it. Null gives an error of class "unknown".
Value ErrorValue(const std::exception_ptr& error);
// The same; its stack is known while it is being handled.
Value ErrorValue(const std::exception& error);

// That of an IoError with that errno, which nobody threw; of no errno the number alone.
Value ErrnoValue(int error_number);

// What this thread threw last: while it unwinds, the exception in flight. Null when it threw none.
std::exception_ptr LastThrown();

// While it lives the thread may throw and catch something else, and other tasks may: afterwards
// LastThrown() is what it was, and its stack is known.
class KeepLastThrown {
 public:
  KeepLastThrown();
  ~KeepLastThrown();
  KeepLastThrown(const KeepLastThrown&) = delete;
  KeepLastThrown& operator=(const KeepLastThrown&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// From now on what ends in std::terminate() is recorded as an EXCEPTION before the process aborts.
void InstallTerminateHandler();

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_EXCEPTIONS_H_
