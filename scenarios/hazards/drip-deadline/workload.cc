// A server drips; its client has a deadline.
#include "trireme/workload.h"

#include <string>

using namespace trireme;

namespace {

Task<> Serve(Runtime& rt, Listener listener, int bytes) {
  Stream stream = co_await listener.Accept();
  try {
    for (int n = 0; n < bytes; ++n) {
      co_await rt.Sleep(0.05);
      co_await stream.SendAll(".");
    }
  } catch (const IoError&) {  // the client lost its patience
  }
  stream.Close();
}

Task<size_t> Fetch(Stream stream) {
  size_t size = 0;
  for (std::string data = "?"; !data.empty(); size += data.size()) data = co_await stream.Recv(1);
  co_return size;
}

Task<> Main(Runtime& rt, const Params& params) {
  if (params.Get<std::string>("by") != "rt")
    throw Unsupported("the timeouts of Python's libraries are Python's");
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Serve, rt, listener, params.Get<int>("bytes"));
  Stream stream = co_await rt.Connect(listener.address());
  {
    Operation op = rt.Op("fetch");
    try {
      op.Ok(co_await rt.Timeout(params.Get<double>("patience"), [&] { return Fetch(stream); }));
      rt.Outcome("outlasted");
    } catch (const TimeoutExpired& error) {
      op.Fail(error.what());
      rt.Outcome("stopped");
    }
  }
  stream.Close();
  co_await server.Join();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
