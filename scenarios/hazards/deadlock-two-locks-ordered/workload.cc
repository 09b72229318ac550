// Two tasks want the same two locks, in one order.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Work(Runtime& rt, Lock outer, Lock inner, Event go) {
  Operation op = rt.Op("work");
  auto held = co_await outer.Hold();
  co_await go.Wait();
  auto both = co_await inner.Hold();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Lock first = rt.Lock();
  Lock second = rt.Lock();
  Event go = rt.Event();
  std::vector<TaskHandle<>> tasks;
  tasks.push_back(rt.Spawn("worker-1", Work, std::ref(rt), first, second, go));
  tasks.push_back(rt.Spawn("worker-2", Work, std::ref(rt), first, second, go));
  co_await rt.Settle();
  go.Set();
  for (TaskHandle<>& task : tasks) co_await task.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
