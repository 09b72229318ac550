// A watcher is started, stopped and joined.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Watch(Event stop) { co_await stop.Wait(); }

Task<> Main(Runtime& rt, const Params&) {
  Event stop = rt.Event();
  TaskHandle<> watcher = rt.Spawn("watcher", Watch, stop);
  co_await rt.Settle();
  rt.Observe("started", true);
  stop.Set();
  co_await watcher.Join();
}

}  // namespace

TRIREME_WORKLOAD(Main)
