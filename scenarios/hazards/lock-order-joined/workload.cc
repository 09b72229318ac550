// Two tasks take two locks in opposite orders; the first is joined before the second begins.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Work(Runtime& rt, Lock outer, Lock inner) {
  Operation op = rt.Op("work");
  auto held = co_await outer.Hold();
  auto both = co_await inner.Hold();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Lock first = rt.Lock();
  Lock second = rt.Lock();
  co_await rt.Spawn("worker-1", Work, std::ref(rt), first, second).Join();
  co_await rt.Spawn("worker-2", Work, std::ref(rt), second, first).Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
