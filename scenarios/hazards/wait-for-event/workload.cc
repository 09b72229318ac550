// A task waits until another one has finished.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Wait(Event ready) { co_await ready.Wait(); }

Task<> Main(Runtime& rt, const Params& params) {
  Event ready = rt.Event();
  TaskHandle<> waiter = rt.Spawn("waiter", Wait, ready);
  {
    Operation op = rt.Op("prepare");
    co_await rt.Sleep(params.Get<double>("seconds"));
    op.Ok();
  }
  ready.Set();
  co_await waiter.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
