// One task reads a stream on and on; another reads it once, when there is something to read.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> ReadsOn(Runtime& rt, Stream ours, Event emptied) {
  for (;;) {
    Operation op = rt.Op("read");
    op.Ok(co_await ours.Recv(100));
    emptied.Set();
  }
}

Task<> ReadsOnce(Runtime& rt, Stream ours, Stream theirs, Event emptied) {
  co_await emptied.Wait();
  co_await theirs.SendAll("2");
  Operation op = rt.Op("read");
  op.Ok(co_await ours.Recv(100));
}

Task<> Main(Runtime& rt, const Params&) {
  auto [ours, theirs] = co_await rt.Socketpair();
  Event emptied = rt.Event();
  std::vector<TaskHandle<>> readers;
  readers.push_back(rt.Spawn("reads_on", ReadsOn, std::ref(rt), ours, emptied));
  readers.push_back(rt.Spawn("reads_once", ReadsOnce, std::ref(rt), ours, theirs, emptied));
  co_await rt.Settle();
  co_await theirs.SendAll("1");
  co_await rt.Settle();

  for (TaskHandle<>& task : readers) {
    task.Cancel();
    try {
      co_await task.Join();
    } catch (const Cancelled&) {
    }
  }
  ours.Close();
  theirs.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
