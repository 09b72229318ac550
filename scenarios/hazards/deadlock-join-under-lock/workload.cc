// Main joins a task while it holds the lock that the task waits for.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Work(Runtime& rt, Lock lock) {
  Operation op = rt.Op("work");
  auto held = co_await lock.Hold();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  TaskHandle<> task = rt.Spawn("worker", Work, std::ref(rt), lock);
  co_await rt.Settle();
  co_await task.Join();
  lock.Release();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
