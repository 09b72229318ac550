// A producer faster than its consumer, and a queue between them that takes everything.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Produce(Runtime& rt, Queue<int> queue, int items) {
  for (int n = 0; n < items; ++n) {
    co_await queue.Put(n);
    if (n % 10 == 9) co_await rt.Sleep(0.001);
  }
}

Task<> Consume(Runtime& rt, Queue<int> queue) {
  while (true) {
    co_await queue.Get();
    co_await rt.Sleep(0.001);
  }
}

Task<> Main(Runtime& rt, const Params& params) {
  const int items = params.Get<int>("items");
  Queue<int> queue = rt.Queue<int>(0);
  std::vector<TaskHandle<>> consumers;
  {
    Operation op = rt.Op("produce");
    TaskHandle<> producer = rt.Spawn("producer", Produce, std::ref(rt), queue, items);
    for (const char* name : {"consumer-1", "consumer-2"})
      consumers.push_back(rt.Spawn(name, Consume, std::ref(rt), queue));
    co_await producer.Join();
    op.Ok();
  }
  for (TaskHandle<>& consumer : consumers) {
    consumer.Cancel();
    try {
      co_await consumer.Join();
    } catch (const Cancelled&) {
    }
  }
  rt.Observe("items", items);
}

}  // namespace

TRIREME_WORKLOAD(Main)
