// A server answers a request over HTTP; its client has a timeout that is long enough.
#include "trireme/workload.h"

#include <string>

using namespace trireme;

namespace {

std::string Answer() {
  return "HTTP/1.0 200 OK\r\nContent-Length: 4000\r\n\r\n" + std::string(4000, '.');
}

Task<> Serve(Listener listener) {
  Stream stream = co_await listener.Accept();
  co_await stream.RecvUntil("\r\n\r\n");
  co_await stream.SendAll(Answer());
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  if (params.Get<std::string>("by") != "rt")
    throw Unsupported("the timeouts of Python's libraries are Python's");
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Serve, listener);
  Stream stream = co_await rt.Connect(listener.address());
  co_await stream.SendAll("GET / HTTP/1.0\r\n\r\n");
  {
    Operation op = rt.Op("ask");
    try {
      co_await rt.Timeout(params.Get<double>("patience"),
                          [&] { return stream.RecvExactly(Answer().size()); });
      op.Ok();
      rt.Outcome("answered");
    } catch (const TimeoutExpired& error) {
      op.Fail(error.what());
      rt.Outcome("timed-out");
    }
  }
  stream.Close();
  co_await server.Join();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
