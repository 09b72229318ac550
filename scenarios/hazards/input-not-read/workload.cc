// A child that gets more input than a pipe holds, and ends without reading any, beside another task.
#include <string>

#include "trireme/workload.h"

using namespace trireme;

Task<> Other(Runtime& rt) {
  for (int i = 0; i < 3; ++i) co_await rt.Sleep(0.01);
}

Task<> Main(Runtime& rt, const Params& params) {
  TaskHandle<> other = rt.Spawn("other", Other, std::ref(rt));
  std::string input(params.Get<size_t>("bytes"), 'x');
  const Completed child = co_await rt.Subprocess({"true"}, std::move(input));
  rt.Observe("status", child.returncode);
  co_await other.Join();
}
TRIREME_WORKLOAD(Main)
