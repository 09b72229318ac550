// Two tasks read one end of a socket pair; the other end then sends a byte for each.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Read(Runtime& rt, Stream stream) {
  Operation op = rt.Op("read");
  op.Ok(co_await stream.Recv(1));
}

Task<> Main(Runtime& rt, const Params&) {
  auto [ours, theirs] = co_await rt.Socketpair();
  std::vector<TaskHandle<>> readers;
  for (const char* name : {"reader-1", "reader-2"}) {
    readers.push_back(rt.Spawn(name, Read, std::ref(rt), ours));
    co_await rt.Settle();
  }
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
  ours.Close();
  theirs.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
