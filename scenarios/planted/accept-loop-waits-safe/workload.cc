// A client asks until it is answered; the server has no descriptor for it at first.
#include "trireme/workload.h"

#include <optional>
#include <string>

using namespace trireme;

namespace {

// Nothing where there was no descriptor for it.
Task<std::optional<Stream>> AcceptOne(Listener listener) {
  try {
    co_return co_await listener.Accept();
  } catch (const IoError&) {
  }
  co_return std::nullopt;
}

Task<> Greet(Stream stream) {
  try {
    co_await stream.SendAll("hello\n");
  } catch (const IoError&) {  // that client's affair
  }
  stream.Close();
}

Task<> Serve(Runtime& rt, Listener listener, double pause) {
  for (;;) {
    const std::optional<Stream> stream = co_await AcceptOne(listener);
    if (!stream) {
      co_await rt.Sleep(pause);
      continue;
    }
    co_await Greet(*stream);
  }
}

Task<std::string> Hear(Runtime& rt, Address address) {
  Stream stream = co_await rt.Connect(address);
  std::string answer = co_await stream.RecvUntil('\n');
  stream.Close();
  co_return answer;
}

// Whether it was answered.
Task<bool> Ask(Runtime& rt, Address address, double patience) {
  Operation op = rt.Op("ask");
  try {
    if (co_await rt.Timeout(patience, [&] { return Hear(rt, address); }) == "hello\n") {
      op.Ok();
      co_return true;
    }
    op.Fail("no answer");
  } catch (const TimeoutExpired& error) {
    op.Fail(error.what());
  } catch (const IoError& error) {
    op.Fail(error.error_number());
  }
  co_return false;
}

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Serve, rt, listener, params.Get<double>("pause"));
  while (!co_await Ask(rt, listener.address(), params.Get<double>("patience")))
    co_await rt.Sleep(params.Get<double>("pause"));
  server.Cancel();
  try {
    co_await server.Join();
  } catch (const Cancelled&) {
  }
  listener.Close();
  rt.Observe("answered", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
