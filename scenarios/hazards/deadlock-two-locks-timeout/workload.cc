// Two tasks hold a lock each and want the other's for a while; main does not wait for them.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Work(Runtime& rt, Lock outer, Lock inner, Event go) {
  auto held = co_await outer.Hold();
  co_await go.Wait();
  try {
    co_await rt.Timeout(10, [&]() -> Task<> { auto both = co_await inner.Hold(); });
  } catch (const TimeoutExpired&) {
  }
}

Task<> Main(Runtime& rt, const Params&) {
  Lock first = rt.Lock();
  Lock second = rt.Lock();
  Event go = rt.Event();
  rt.Spawn("worker-1", Work, std::ref(rt), first, second, go).Detach();
  rt.Spawn("worker-2", Work, std::ref(rt), second, first, go).Detach();
  co_await rt.Settle();
  go.Set();
  co_await rt.Settle();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
