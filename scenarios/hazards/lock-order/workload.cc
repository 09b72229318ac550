// Two tasks that happen to come one after the other take two locks, in opposite orders.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Work(Runtime& rt, Event go, double delay, Lock outer, Lock inner) {
  co_await go.Wait();
  co_await rt.Sleep(delay);
  Operation op = rt.Op("work");
  auto held = co_await outer.Hold();
  auto both = co_await inner.Hold();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Event go = rt.Event();
  Lock first = rt.Lock();
  Lock second = rt.Lock();
  TaskHandle<> one = rt.Spawn("worker-1", Work, std::ref(rt), go, 0, first, second);
  TaskHandle<> two = rt.Spawn("worker-2", Work, std::ref(rt), go, 0.05, second, first);
  go.Set();
  co_await one.Join();
  co_await two.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
