// A server tries again, a little later, when accept() fails.
#include "trireme/workload.h"

#include <string>

using namespace trireme;

namespace {

Task<> Serve(Runtime& rt, Listener listener) {
  for (;;) {
    Stream stream;
    bool failed = false;
    try {
      stream = co_await listener.Accept();
    } catch (const IoError&) {
      failed = true;
    }
    if (failed) {
      co_await rt.Sleep(0.01);
      continue;
    }
    co_await stream.SendAll("hello\n");
    stream.Close();
  }
}

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Serve, rt, listener);
  Stream client = co_await rt.Connect(listener.address());
  {
    Operation op = rt.Op("ask");
    try {
      op.Ok(co_await rt.Timeout(params.Get<double>("patience"),
                                [&] { return client.RecvUntil('\n'); }));
      rt.Outcome("answered");
    } catch (const TimeoutExpired& error) {
      op.Fail(error.what());
      rt.Outcome("unanswered");
    }
  }
  client.Close();
  server.Cancel();
  server.Detach();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
