// A task computes, or calls into the kernel, without giving way; others want to run meanwhile.
#include "trireme/workload.h"

#include <time.h>

#include <chrono>
#include <thread>

using namespace trireme;

namespace {

// Of this thread: on a busy machine it takes longer.
double ProcessorSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void Compute(double seconds) {
  const double end = ProcessorSeconds() + seconds;
  while (ProcessorSeconds() < end) continue;
}

Task<> Beat(Runtime& rt) {
  for (int n = 0; n < 5; ++n) co_await rt.Sleep(0.02);
}

Task<> Work(Runtime& rt, std::string by, double seconds) {
  Operation op = rt.Op("work", by);
  if (by == "code")
    Compute(seconds);
  else
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  op.Ok();
  co_return;
}

Task<> Main(Runtime& rt, const Params& params) {
  TaskHandle<> heart = rt.Spawn("heart", Beat, std::ref(rt));
  co_await rt.Settle();
  co_await rt
      .Spawn("worker", Work, std::ref(rt), params.Get<std::string>("by"),
             params.Get<double>("seconds"))
      .Join();
  co_await heart.Join();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
