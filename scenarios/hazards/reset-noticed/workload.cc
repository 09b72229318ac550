// The peer resets the connection in the middle of a message whose length is known.
#include "trireme/workload.h"

#include <sys/socket.h>

#include <stdexcept>

using namespace trireme;

namespace {

// Closes with RST, where Close() alone sends FIN.
void Reset(Stream stream) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(stream.fileno(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  stream.Close();
}

Task<> Read(Runtime& rt, Stream stream) {
  Operation op = rt.Op("read");
  try {
    op.Ok(co_await stream.RecvExactly(16));
    rt.Outcome("whole");
  } catch (const std::runtime_error& error) {
    rt.Outcome("incomplete");
    op.Fail(error.what());
  }
}

Task<> Main(Runtime& rt, const Params&) {
  Listener listener = co_await rt.Listen();
  Stream client = co_await rt.Connect(listener.address());
  Stream server = co_await listener.Accept();
  co_await server.SendAll("half of ");
  TaskHandle<> reader = rt.Spawn("reader", Read, rt, client);
  co_await rt.Settle();
  Reset(server);
  co_await reader.Join();
  client.Close();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
