// A task ends with a lock that it took; another one wants it.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> First(Lock lock, Event go) {
  co_await lock.Acquire();
  co_await go.Wait();
}

Task<> Second(Runtime& rt, Lock lock) {
  Operation op = rt.Op("work");
  auto held = co_await lock.Hold();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Lock lock = rt.Lock();
  Event go = rt.Event();
  TaskHandle<> first = rt.Spawn("first", First, lock, go);
  co_await rt.Settle();
  TaskHandle<> second = rt.Spawn("second", Second, std::ref(rt), lock);
  co_await rt.Settle();
  go.Set();
  co_await first.Join();
  co_await second.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
