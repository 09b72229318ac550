// Tasks add to one counter, each under the lock.
#include "trireme/workload.h"

#include <atomic>
#include <memory>
#include <vector>

using namespace trireme;

namespace {

// The work that a real program does between reading a row and writing it back.
void Digest(int value, int rounds) {
  volatile unsigned mixed = static_cast<unsigned>(value);
  for (int n = 0; n < rounds * 200; ++n) mixed = mixed * 1664525U + 1013904223U;
}

Task<> Add(Runtime& rt, const Params& params, Event start, Lock lock,
           std::shared_ptr<std::atomic<int>> counter) {
  co_await start.Wait();
  const int rounds = params.Get<int>("rounds");
  for (int n = params.Get<int>("updates"); n > 0; --n) {
    Operation op = rt.Op("increment", 1);
    const Guard held = co_await lock.Hold();
    const int value = counter->load();
    Digest(value, rounds);
    counter->store(value + 1);
    op.Ok(1);
  }
}

Task<> Main(Runtime& rt, const Params& params) {
  auto counter = std::make_shared<std::atomic<int>>(0);
  Event start = rt.Event();
  Lock lock = rt.Lock();
  std::vector<TaskHandle<>> tasks;
  for (int n = 0; n < params.Get<int>("tasks"); ++n)
    tasks.push_back(rt.Spawn("adder-" + std::to_string(n), Add, rt, params, start, lock, counter));
  start.Set();
  co_await rt.Gather(tasks);
  rt.Observe("total", counter->load());
}

}  // namespace

TRIREME_WORKLOAD(Main)
