// Questions in two small writes each, with TCP_NODELAY.
#include "trireme/workload.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

using namespace trireme;

namespace {

void SetNoDelay(Stream stream, int value) {
  ::setsockopt(stream.fileno(), IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
}

Task<> Answer(Stream stream, int rounds) {
  for (int n = 0; n < rounds; ++n) {
    co_await stream.RecvExactly(2);
    co_await stream.SendAll(".");
  }
}

Task<> Main(Runtime& rt, const Params& params) {
  const int rounds = params.Get<int>("rounds");
  Listener listener = co_await rt.Listen();
  Stream client = co_await rt.Connect(listener.address());
  Stream server = co_await listener.Accept();
  SetNoDelay(client, 1);
  SetNoDelay(server, 1);
  TaskHandle<> answerer = rt.Spawn("server", Answer, server, rounds);
  std::vector<double> took;
  {
    Operation op = rt.Op("ask", rounds);
    for (int n = 0; n < rounds; ++n) {
      const double begin = rt.Now();
      co_await client.SendAll("h");  // a head
      co_await client.SendAll("b");  // and a body
      co_await client.RecvExactly(1);
      took.push_back(rt.Now() - begin);
    }
    op.Ok();
  }
  co_await answerer.Join();
  std::sort(took.begin(), took.end());
  rt.Metric("round trip", took[took.size() / 2] * 1e3, "ms");
  rt.Outcome(took.front() < 0.03 ? "prompt" : "delayed");
  client.Close();
  server.Close();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
