// A fan-out whose replies are kept in the order of the requests.
#include "trireme/workload.h"

#include <vector>

using namespace trireme;

namespace {

// The work that a real program does between a question and its reply.
void Digest(int value, int rounds) {
  volatile unsigned mixed = static_cast<unsigned>(value);
  for (int n = 0; n < rounds * 200; ++n) mixed = mixed * 1664525U + 1013904223U;
}

Task<int> Work(const Params& params, int number) {
  Digest(number, (params.Get<int>("tasks") - number) * params.Get<int>("rounds"));
  co_return number;
}

Task<> Main(Runtime& rt, const Params& params) {
  std::vector<TaskHandle<int>> tasks;
  for (int n = 0; n < params.Get<int>("tasks"); ++n)
    tasks.push_back(rt.Spawn("worker-" + std::to_string(n), Work, params, n));
  rt.Observe("replies", co_await rt.Gather(tasks));
}

}  // namespace

TRIREME_WORKLOAD(Main)
