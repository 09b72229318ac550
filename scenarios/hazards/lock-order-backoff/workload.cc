// Two tasks take two locks in opposite orders, one of them with a limit of time, after which it lets go and tries again.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Insist(Runtime& rt, Event go, Lock first, Lock second) {
  co_await go.Wait();
  Operation op = rt.Op("work");
  auto held = co_await first.Hold();
  auto both = co_await second.Hold();
  op.Ok();
}

Task<bool> TakeBoth(Runtime& rt, Lock first, Lock second) {
  auto held = co_await second.Hold();
  auto take_first = [first]() mutable -> Task<> { co_await first.Acquire(); };
  try {
    co_await rt.Timeout(1, take_first);
  } catch (const TimeoutExpired&) {
    co_return false;
  }
  first.Release();
  co_return true;
}

Task<> BackOff(Runtime& rt, Event go, Lock first, Lock second) {
  co_await go.Wait();
  co_await rt.Sleep(0.05);
  Operation op = rt.Op("work");
  while (!co_await TakeBoth(rt, first, second)) continue;
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Event go = rt.Event();
  Lock first = rt.Lock();
  Lock second = rt.Lock();
  TaskHandle<> one = rt.Spawn("worker-1", Insist, std::ref(rt), go, first, second);
  TaskHandle<> two = rt.Spawn("worker-2", BackOff, std::ref(rt), go, first, second);
  go.Set();
  co_await one.Join();
  co_await two.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
