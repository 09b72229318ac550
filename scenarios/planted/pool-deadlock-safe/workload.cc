// A parent in a pool of one waits for a child in another pool.
#include "trireme/workload.h"

#include <string>

using namespace trireme;

namespace {

std::string Child() { return "child"; }

Task<std::string> Parent(Pool children) {
  TaskHandle<std::string> task = co_await children.Submit(Child);
  co_return "parent of " + co_await task.Join();
}

Task<> Main(Runtime& rt, const Params&) {
  Pool pool = rt.Pool(1);
  Pool children = rt.Pool(1);
  {
    Operation op = rt.Op("parent");
    TaskHandle<std::string> task = co_await pool.Submit(Parent, children);
    op.Ok(co_await task.Join());
  }
  co_await pool.Join();
  co_await children.Join();
  rt.Observe("done", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
