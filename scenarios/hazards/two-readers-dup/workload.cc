// Two tasks read one end of a socket pair, the second by a duplicate of its descriptor.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Read(Runtime& rt, Stream stream) {
  Operation op = rt.Op("read");
  op.Ok(co_await stream.Recv(1));
}

Task<> Main(Runtime& rt, const Params&) {
  auto [ours, theirs] = co_await rt.Socketpair();
  Stream copy = ours.Dup();
  std::vector<TaskHandle<>> readers;
  readers.push_back(rt.Spawn("reader-1", Read, std::ref(rt), ours));
  co_await rt.Settle();
  readers.push_back(rt.Spawn("reader-2", Read, std::ref(rt), copy));
  co_await rt.Settle();
  for (const char* byte : {"1", "2"}) {
    co_await theirs.SendAll(byte);
    co_await rt.Settle();
  }
  for (TaskHandle<>& task : readers) {
    task.Cancel();
    try {
      co_await task.Join();
    } catch (const Cancelled&) {  // one may wait for ever
    }
  }
  copy.Close();
  ours.Close();
  theirs.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
