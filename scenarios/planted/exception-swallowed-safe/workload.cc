// A task throws and its parent hears of it.
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
  try {
    co_await task.Join();
  } catch (const std::invalid_argument&) {
    rt.Observe("heard", true);
  }
  rt.Observe("done", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
