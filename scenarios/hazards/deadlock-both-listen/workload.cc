// Both ends of a connection wait for the other to speak first.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Serve(Listener listener) {
  Stream stream = co_await listener.Accept();
  co_await stream.RecvExactly(4);
  co_await stream.SendAll("pong");
}

Task<> Main(Runtime& rt, const Params&) {
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Serve, listener);
  Stream stream = co_await rt.Connect(listener.address());
  rt.Observe("answer", co_await stream.RecvExactly(4));
  co_await stream.SendAll("ping");
  co_await server.Join();
}

}  // namespace

TRIREME_WORKLOAD(Main)
