// One task waits to read a socket and another to write it, both at once.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Read(Runtime& rt, Stream stream) {
  Operation op = rt.Op("read");
  op.Ok(co_await stream.Recv(1));
}

Task<> Write(Runtime& rt, Stream stream, size_t bytes) {
  const std::string data(bytes, 'x');
  Operation op = rt.Op("write");
  co_await stream.SendAll(data);
  op.Ok();
}

Task<> Main(Runtime& rt, const Params& params) {
  const size_t bytes = params.Get<size_t>("bytes");
  auto [ours, theirs] = co_await rt.Socketpair();
  TaskHandle<> reader = rt.Spawn("read", Read, std::ref(rt), ours);
  co_await rt.Settle();
  TaskHandle<> writer = rt.Spawn("write", Write, std::ref(rt), ours, bytes);
  co_await rt.Settle();
  co_await theirs.SendAll("1");
  co_await theirs.RecvExactly(bytes);
  co_await reader.Join();
  co_await writer.Join();
  ours.Close();
  theirs.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
