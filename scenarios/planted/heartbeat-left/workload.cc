// Clients have a server do their work step by step, and keep a lease alive meanwhile.
#include "trireme/workload.h"

#include <stdexcept>
#include <string>
#include <vector>

using namespace trireme;

namespace {

Task<> Answer(Stream stream) {
  for (;;) {
    const std::string step = co_await stream.RecvUntil('\n');
    if (step.empty()) co_return;
    co_await stream.SendAll("done\n");
  }
}

Task<> Serve(Stream stream) {
  try {
    co_await Answer(stream);
  } catch (const IoError&) {  // the client's affair
  }
  stream.Close();
}

Task<> Accept(Runtime& rt, Listener listener, int clients) {
  std::vector<TaskHandle<>> connections;
  for (int n = 0; n < clients; ++n) {
    Stream stream = co_await listener.Accept();
    connections.push_back(rt.Spawn("connection-" + std::to_string(n), Serve, stream));
  }
  co_await rt.Gather(connections);
}

Task<> Renew(Runtime& rt, Event released, double interval) {
  while (!released.IsSet()) co_await rt.Sleep(interval);
}

Task<> Step(Runtime& rt, Stream stream, int number) {
  Operation op = rt.Op("step", number);
  try {
    co_await stream.SendAll("step\n");
    if (co_await stream.RecvUntil('\n') != "done\n") throw EndOfStream();
    op.Ok();
  } catch (const std::runtime_error& error) {
    op.Fail(error.what());
    throw;
  }
}

Task<> Work(Runtime& rt, Stream stream, const Params& params) {
  Event released = rt.Event();
  TaskHandle<> heartbeat =
      rt.Spawn("heartbeat", Renew, rt, released, params.Get<double>("interval"));
  heartbeat.Detach();
  for (int n = 0; n < params.Get<int>("steps"); ++n) co_await Step(rt, stream, n);
  released.Set();
}

Task<> Client(Runtime& rt, Address address, const Params& params) {
  Stream stream = co_await rt.Connect(address);
  try {
    co_await Work(rt, stream, params);
  } catch (const std::runtime_error&) {  // the step that failed says so
  }
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  const int count = params.Get<int>("clients");
  TaskHandle<> server = rt.Spawn("server", Accept, rt, listener, count);
  std::vector<TaskHandle<>> clients;
  for (int n = 0; n < count; ++n)
    clients.push_back(
        rt.Spawn("client-" + std::to_string(n), Client, rt, listener.address(), params));
  co_await rt.Gather(clients);
  co_await server.Join();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
