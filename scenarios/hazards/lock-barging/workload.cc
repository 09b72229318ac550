// One task takes a lock again and again, another wants it once.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Hog(Runtime& rt, Lock lock, int rounds) {
  for (int n = 0; n < rounds; ++n) {
    auto held = co_await lock.Hold();
    co_await rt.Sleep(0.0005);
  }
}

Task<> Wait(Runtime& rt, Lock lock) {
  Operation op = rt.Op("lock");
  auto held = co_await lock.Hold();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params& params) {
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  TaskHandle<> hog = rt.Spawn("hog", Hog, std::ref(rt), lock, params.Get<int>("rounds"));
  TaskHandle<> waiter = rt.Spawn("waiter", Wait, std::ref(rt), lock);
  co_await rt.Settle();
  lock.Release();
  co_await hog.Join();
  co_await waiter.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
