// Workers keep a copy of each item in memory of its own.
#include "trireme/workload.h"

#include <memory>
#include <new>
#include <string>
#include <vector>

using namespace trireme;

namespace {

struct Copy {
  int item = 0;
};

Task<> Work(Runtime& rt, int items) {
  std::vector<std::unique_ptr<Copy>> copies;
  copies.reserve(static_cast<size_t>(items));
  for (int item = 0; item < items; ++item) {
    Operation op = rt.Op("keep", item);
    try {
      copies.push_back(std::make_unique<Copy>(Copy{item}));
      op.Ok();
    } catch (const std::bad_alloc&) {
      op.Fail("no memory");
    }
    co_await rt.Checkpoint();
  }
  rt.Observe("dealt with", items);
}

Task<> Main(Runtime& rt, const Params& params) {
  std::vector<TaskHandle<>> workers;
  for (int n = 0; n < params.Get<int>("workers"); ++n)
    workers.push_back(rt.Spawn("worker-" + std::to_string(n), Work, rt, params.Get<int>("items")));
  co_await rt.Gather(workers);
}

}  // namespace

TRIREME_WORKLOAD(Main)
