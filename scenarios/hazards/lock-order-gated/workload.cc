// Two tasks take two locks in opposite orders, each while it holds a third one.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Work(Runtime& rt, Event go, double delay, Lock gate, Lock outer, Lock inner) {
  co_await go.Wait();
  co_await rt.Sleep(delay);
  Operation op = rt.Op("work");
  auto alone = co_await gate.Hold();
  auto held = co_await outer.Hold();
  auto both = co_await inner.Hold();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Lock gate = rt.Lock();
  Event go = rt.Event();
  Lock first = rt.Lock();
  Lock second = rt.Lock();
  TaskHandle<> one = rt.Spawn("worker-1", Work, std::ref(rt), go, 0, gate, first, second);
  TaskHandle<> two = rt.Spawn("worker-2", Work, std::ref(rt), go, 0.05, gate, second, first);
  go.Set();
  co_await one.Join();
  co_await two.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
