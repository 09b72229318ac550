// Two tasks wait to accept; two connections come.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Serve(Runtime& rt, Listener listener) {
  Operation op = rt.Op("accept");
  Stream stream = co_await listener.Accept();
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  Listener listener = co_await rt.Listen();
  std::vector<TaskHandle<>> servers;
  for (const char* name : {"server-1", "server-2"}) {
    servers.push_back(rt.Spawn(name, Serve, std::ref(rt), listener));
    co_await rt.Settle();
  }
  for (size_t n = 0; n < servers.size(); ++n) {
    Stream stream = co_await rt.Connect(listener.address());
    co_await stream.Recv(1);
  }
  for (TaskHandle<>& task : servers) co_await task.Join();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
