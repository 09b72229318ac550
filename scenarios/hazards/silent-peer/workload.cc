// A server never answers; its client has a timeout.
#include "trireme/workload.h"

#include <string>

using namespace trireme;

namespace {

Task<> Serve(Listener listener, Event given_up) {
  Stream stream = co_await listener.Accept();
  co_await stream.Recv(1000);
  co_await given_up.Wait();
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  if (params.Get<std::string>("by") != "rt")
    throw Unsupported("the timeouts of Python's libraries are Python's");
  Listener listener = co_await rt.Listen();
  Event given_up = rt.Event();
  TaskHandle<> server = rt.Spawn("server", Serve, listener, given_up);
  Stream stream = co_await rt.Connect(listener.address());
  co_await stream.SendAll("GET / HTTP/1.0\r\n\r\n");
  {
    Operation op = rt.Op("ask");
    try {
      op.Ok(co_await rt.Timeout(0.2, [&] { return stream.Recv(1); }));
      rt.Outcome("answered");
    } catch (const TimeoutExpired& error) {
      op.Fail(error.what());
      rt.Outcome("timed-out");
    }
  }
  stream.Close();
  given_up.Set();
  co_await server.Join();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
