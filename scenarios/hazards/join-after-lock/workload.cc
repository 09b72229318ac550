// Main gives the lock back before it joins the task that waits for it.
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
  lock.Release();
  co_await task.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
