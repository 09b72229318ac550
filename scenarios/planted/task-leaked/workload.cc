// A watcher is started and forgotten.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Watch(Event stop) { co_await stop.Wait(); }

Task<> Main(Runtime& rt, const Params&) {
  Event stop = rt.Event();
  TaskHandle<> watcher = rt.Spawn("watcher", Watch, stop);
  watcher.Detach();
  co_await rt.Settle();
  rt.Observe("started", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
