// Buyers check the stock and take from it under one lock.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "trireme/workload.h"

using namespace trireme;

namespace {

// The work that a real program does between looking and taking.
void Digest(int value, int rounds) {
  volatile unsigned mixed = static_cast<unsigned>(value);
  for (int n = 0; n < rounds * 50; ++n) mixed = mixed * 1664525U + 1013904223U;
}

struct Shop {
  explicit Shop(size_t items) : stock(items), sold(items) {
    for (std::atomic<int>& count : stock) count = 1;
  }
  std::vector<std::atomic<int>> stock, sold;
};

Task<> Buy(Runtime& rt, const Params& params, Event start, Lock lock, std::shared_ptr<Shop> shop) {
  co_await start.Wait();
  const int rounds = params.Get<int>("rounds");
  for (size_t item = 0; item < shop->stock.size(); ++item) {
    const Guard held = co_await lock.Hold();
    if (shop->stock[item] <= 0) continue;
    Operation op = rt.Op("sell", static_cast<int>(item));
    Digest(static_cast<int>(item), rounds);
    --shop->stock[item];
    ++shop->sold[item];
    op.Ok(static_cast<int>(item));
  }
}

Task<> Main(Runtime& rt, const Params& params) {
  auto shop = std::make_shared<Shop>(params.Get<size_t>("items"));
  Event start = rt.Event();
  Lock lock = rt.Lock();
  std::vector<TaskHandle<>> buyers;
  for (int n = 0; n < params.Get<int>("buyers"); ++n)
    buyers.push_back(rt.Spawn("buyer-" + std::to_string(n), Buy, rt, params, start, lock, shop));
  start.Set();
  co_await rt.Gather(buyers);
  rt.Observe("sold at least once", std::count_if(shop->sold.begin(), shop->sold.end(), [](int count) { return count > 0; }));
}

}  // namespace

TRIREME_WORKLOAD(Main)
