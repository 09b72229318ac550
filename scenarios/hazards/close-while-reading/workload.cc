// Main closes the stream that a task waits to read, and stops the task if that did not wake it.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Read(Runtime& rt, Stream stream) {
  Operation op = rt.Op("read");
  try {
    const std::string data = co_await stream.Recv(1);
    op.Ok(data.size());
  } catch (const IoError& error) {
    op.Fail(error.error_number());
  }
}

Task<> Main(Runtime& rt, const Params&) {
  auto [ours, theirs] = co_await rt.Socketpair();
  TaskHandle<> reader = rt.Spawn("reader", Read, std::ref(rt), ours);
  co_await rt.Settle();
  ours.Close();
  co_await rt.Settle();
  rt.Outcome(reader.Done() ? "woken" : "left-waiting");
  reader.Cancel();
  try {
    co_await reader.Join();
  } catch (const Cancelled&) {
  }
  theirs.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
