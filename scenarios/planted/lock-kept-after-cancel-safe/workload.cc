// A task that holds a lock is cancelled where it waits; another one wants the lock.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> First(Lock lock, Event never) {
  const Guard held = co_await lock.Hold();
  co_await never.Wait();
}

Task<> Second(Runtime& rt, Lock lock) {
  Operation op = rt.Op("work");
  const Guard held = co_await lock.Hold();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Lock lock = rt.Lock();
  TaskHandle<> holder = rt.Spawn("first", First, lock, rt.Event());
  co_await rt.Settle();
  holder.Cancel();
  try {
    co_await holder.Join();
  } catch (const Cancelled&) {
  }
  co_await rt.Spawn("second", Second, rt, lock).Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
