// A feeder reads lines from a socket; workers take them from a queue.
#include <algorithm>

#include "trireme/workload.h"

using namespace trireme;

namespace {

constexpr int kEnd = -1;

Task<> Feed(Stream stream, Queue<int> lines, int workers) {
  for (std::string line; !(line = co_await stream.RecvUntil('\n')).empty();) co_await lines.Put(std::stoi(line));
  for (int n = 0; n < workers; ++n) co_await lines.Put(kEnd);
}

Task<std::vector<int>> Work(Queue<int> lines) {
  std::vector<int> seen;
  for (int line = 0; (line = co_await lines.Get()) != kEnd;) seen.push_back(line);
  co_return seen;
}

Task<> Main(Runtime& rt, const Params& params) {
  const int workers = params.Get<int>("workers");
  auto [ours, theirs] = co_await rt.Socketpair();
  Queue<int> lines = rt.Queue<int>();
  std::vector<TaskHandle<std::vector<int>>> tasks;
  for (int n = 0; n < workers; ++n) tasks.push_back(rt.Spawn("worker-" + std::to_string(n), Work, lines));
  TaskHandle<> feeder = rt.Spawn("feeder", Feed, ours, lines, workers);
  for (int n = 0; n < params.Get<int>("messages"); ++n) {
    const std::string line = std::to_string(n) + "\n";
    co_await theirs.SendAll(line);
  }
  theirs.Close();
  std::vector<int> seen;
  for (TaskHandle<std::vector<int>>& task : tasks) {
    const std::vector<int> part = co_await task.Join();
    seen.insert(seen.end(), part.begin(), part.end());
  }
  co_await feeder.Join();
  ours.Close();
  std::sort(seen.begin(), seen.end());
  rt.Observe("seen", seen);
}

}  // namespace

TRIREME_WORKLOAD(Main)
