// A task asks in every turn of the loop whether another one has finished.
#include "trireme/workload.h"

#include <atomic>

using namespace trireme;

namespace {

Task<> Wait(Runtime& rt, std::shared_ptr<std::atomic<bool>> ready) {
  while (!*ready) co_await rt.Sleep(0);
}

Task<> Main(Runtime& rt, const Params& params) {
  auto ready = std::make_shared<std::atomic<bool>>(false);
  TaskHandle<> waiter = rt.Spawn("waiter", Wait, std::ref(rt), ready);
  {
    Operation op = rt.Op("prepare");
    co_await rt.Sleep(params.Get<double>("seconds"));
    op.Ok();
  }
  *ready = true;
  co_await waiter.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
