// The peer resets the connection while a task reads until the end.
#include "trireme/workload.h"

#include <sys/socket.h>

#include <string>

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
    std::string data;
    for (std::string piece = "?"; !piece.empty(); data += piece) piece = co_await stream.Recv(100);
    rt.Outcome("end");
    op.Ok(data);
  } catch (const IoError& error) {
    rt.Outcome("reset");
    op.Fail(error.error_number());
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
