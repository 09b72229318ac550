// Clients download from a server that says how much will come, until they have it.
#include "trireme/workload.h"

#include <stdexcept>
#include <string>
#include <vector>

using namespace trireme;

namespace {

Task<> Serve(Stream stream, std::string data) {
  try {
    co_await stream.SendAll(data);
  } catch (const IoError&) {  // the client's affair
  }
  stream.Close();
}

Task<> Accept(Runtime& rt, Listener listener, std::string data) {
  std::vector<TaskHandle<>> connections;
  for (;;) {
    Stream stream = co_await listener.Accept();
    connections.push_back(rt.Spawn("connection", Serve, stream, data));
  }
}

// All of what the server sends; empty where it did not come.
Task<std::string> Fetch(Runtime& rt, Address address) {
  Stream stream = co_await rt.Connect(address);
  std::string data;
  try {
    const std::string size = co_await stream.RecvUntil('\n');
    if (!size.empty()) data = co_await stream.RecvExactly(std::stoul(size));
  } catch (const std::runtime_error&) {
  }
  stream.Close();
  co_return data;
}

Task<size_t> Download(Runtime& rt, Address address, size_t bytes) {
  Operation op = rt.Op("download", bytes);
  std::string data;
  while (data.empty()) data = co_await Fetch(rt, address);
  op.Ok();
  co_return data.size();
}

Task<> Main(Runtime& rt, const Params& params) {
  const size_t bytes = params.Get<size_t>("bytes");
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Accept, rt, listener,
                                 std::to_string(bytes) + "\n" + std::string(bytes, 'x'));
  std::vector<TaskHandle<size_t>> clients;
  for (int n = 0; n < params.Get<int>("clients"); ++n)
    clients.push_back(
        rt.Spawn("client-" + std::to_string(n), Download, rt, listener.address(), bytes));
  size_t received = 0;
  for (const size_t size : co_await rt.Gather(clients)) received += size;
  server.Cancel();
  try {
    co_await server.Join();
  } catch (const Cancelled&) {
  }
  listener.Close();
  rt.Observe("received", received);
}

}  // namespace

TRIREME_WORKLOAD(Main)
