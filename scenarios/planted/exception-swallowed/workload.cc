// A fire-and-forget task throws.
#include "trireme/workload.h"

#include <stdexcept>

using namespace trireme;

namespace {

Task<> Notify() {
  throw std::invalid_argument("no such endpoint");
  co_return;
}

Task<> Main(Runtime& rt, const Params&) {
  TaskHandle<> task = rt.Spawn("notifier", Notify);
  task.Detach();
  co_await rt.Settle();
  rt.Observe("done", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
