// A client and a server forget their sockets.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Main(Runtime& rt, const Params&) {
  Listener listener = co_await rt.Listen();
  Stream client = co_await rt.Connect(listener.address());
  Stream ours = co_await listener.Accept();
  {
    Operation op = rt.Op("exchange");
    co_await client.SendAll("ping\n");
    op.Ok(co_await ours.RecvUntil('\n'));
  }
  static auto& kept = *new std::tuple(listener, client, ours);
  (void)kept;
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
