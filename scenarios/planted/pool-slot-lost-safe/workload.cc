// Calls hold a slot each while they last.
#include "trireme/workload.h"

#include <string>

using namespace trireme;

namespace {

// The first ones are to a peer that does not answer.
Task<> Query(Event silent, bool answered) {
  if (!answered) co_await silent.Wait();
}

Task<> Call(Runtime& rt, Semaphore slots, Event silent, int number, int first_answered) {
  Operation op = rt.Op("call", number);
  const Guard slot = co_await slots.Hold();
  try {
    co_await rt.Timeout(0.1, [&] { return Query(silent, number >= first_answered); });
    op.Ok();
  } catch (const TimeoutExpired&) {
    op.Fail("timeout");
  }
}

Task<> Main(Runtime& rt, const Params& params) {
  Semaphore slots = rt.Semaphore(params.Get<size_t>("slots"));
  Event silent = rt.Event();
  for (int n = 0; n < params.Get<int>("calls"); ++n)
    co_await rt
        .Spawn("call-" + std::to_string(n), Call, rt, slots, silent, n, params.Get<int>("slots"))
        .Join();
  rt.Observe("calls", params.Get<int>("calls"));
}

}  // namespace

TRIREME_WORKLOAD(Main)
