// A fan-out whose replies are kept in the order of completion.
#include "trireme/workload.h"

#include <memory>
#include <mutex>
#include <vector>

using namespace trireme;

namespace {

// The work that a real program does between a question and its reply.
void Digest(int value, int rounds) {
  volatile unsigned mixed = static_cast<unsigned>(value);
  for (int n = 0; n < rounds * 200; ++n) mixed = mixed * 1664525U + 1013904223U;
}

struct Replies {
  std::mutex mutex;
  std::vector<int> numbers;
};

Task<> Work(const Params& params, int number, std::shared_ptr<Replies> replies) {
  Digest(number, (params.Get<int>("tasks") - number) * params.Get<int>("rounds"));
  const std::lock_guard held(replies->mutex);
  replies->numbers.push_back(number);
  co_return;
}

Task<> Main(Runtime& rt, const Params& params) {
  auto replies = std::make_shared<Replies>();
  std::vector<TaskHandle<>> tasks;
  for (int n = 0; n < params.Get<int>("tasks"); ++n)
    tasks.push_back(rt.Spawn("worker-" + std::to_string(n), Work, params, n, replies));
  co_await rt.Gather(tasks);
  rt.Observe("replies", replies->numbers);
}

}  // namespace

TRIREME_WORKLOAD(Main)
