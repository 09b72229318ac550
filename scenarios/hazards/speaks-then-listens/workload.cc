// One end of a connection speaks before it listens.
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
  co_await stream.SendAll("ping");
  rt.Observe("answer", co_await stream.RecvExactly(4));
  co_await server.Join();
}

}  // namespace

TRIREME_WORKLOAD(Main)
