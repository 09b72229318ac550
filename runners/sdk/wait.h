#ifndef TRIREME_RUNNERS_SDK_WAIT_H_
#define TRIREME_RUNNERS_SDK_WAIT_H_

#include <algorithm>
#include <type_traits>
#include <utility>

#include "runners/sdk/point.h"

namespace trireme {

// What a task may have to wait for. Try() either succeeds, or has arranged that the task is
// unparked when it is worth another try; the destructor takes that back, and passes on a wake-up
// that was not used.
class WaitOperation {
 public:
  using Result = void;
  WaitOperation() = default;
  WaitOperation(const WaitOperation&) = delete;
  WaitOperation& operator=(const WaitOperation&) = delete;
  // When to try again without being unparked.
  int64_t WakeAt() const { return kNever; }
  // The number of what is waited for, or 0.
  uint64_t Awaited() const { return 0; }
  internal::Nothing Take() { return {}; }
};

template <typename Operation>
void WaitBlocking(Point& point, Operation& operation) {
  point.Wait(operation.Awaited());
  do {
    point.task().backend->Park(point.task(), std::min(operation.WakeAt(), point.task().Deadline()));
    point.Check();
  } while (!operation.Try());
}

template <typename Operation, typename... A>
Task<typename Operation::Result> AwaitLater(const char* kind, uint64_t ordinal, A... args) {
  Point point(kind, ordinal);
  Operation operation(point.task(), args...);
  while (!operation.Try()) {
    point.Wait(operation.Awaited());
    co_await Parked(point.task(), std::min(operation.WakeAt(), point.task().Deadline()));
    point.Check();
  }
  if constexpr (std::is_void_v<typename Operation::Result>)
    co_return;
  else
    co_return operation.Take();
}

// One call of the workload API: tries, and waits where it must. `args` are copied; what they point
// to must live on.
template <typename Operation, typename... A>
Task<typename Operation::Result> Await(const char* kind, A... args) {
  Point point(kind);
  {
    Operation operation(point.task(), args...);
    if (operation.Try()) return Task<typename Operation::Result>::Ready(operation.Take());
    if (point.task().backend->blocking()) {
      WaitBlocking(point, operation);
      return Task<typename Operation::Result>::Ready(operation.Take());
    }
  }
  return AwaitLater<Operation, A...>(kind, point.ordinal(), args...);
}

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_WAIT_H_
