// Buyers check the stock, do some work, then take from it.
#include "trireme/workload.h"

#include <atomic>
#include <memory>
#include <vector>

using namespace trireme;

namespace {

struct Shop {
  std::atomic<int> stock;
};

// The work that a real program does between looking and taking.
void Digest(int value, int rounds) {
  volatile unsigned mixed = static_cast<unsigned>(value);
  for (int n = 0; n < rounds * 200; ++n) mixed = mixed * 1664525U + 1013904223U;
}

void Sell(Runtime& rt, const Params& params, Shop& shop) {
  Operation op = rt.Op("sell");
  Digest(shop.stock, params.Get<int>("rounds"));
  --shop.stock;
  op.Ok();
}

Task<> Buy(Runtime& rt, const Params& params, Event start, std::shared_ptr<Shop> shop) {
  co_await start.Wait();
  while (shop->stock > 0) {
    Sell(rt, params, *shop);
    co_await rt.Checkpoint();
  }
}

Task<> Main(Runtime& rt, const Params& params) {
  auto shop = std::make_shared<Shop>();
  shop->stock = params.Get<int>("items");
  Event start = rt.Event();
  std::vector<TaskHandle<>> buyers;
  for (int n = 0; n < params.Get<int>("buyers"); ++n)
    buyers.push_back(rt.Spawn("buyer-" + std::to_string(n), Buy, rt, params, start, shop));
  start.Set();
  co_await rt.Gather(buyers);
  rt.Observe("sold out", shop->stock <= 0);
}

}  // namespace

TRIREME_WORKLOAD(Main)
