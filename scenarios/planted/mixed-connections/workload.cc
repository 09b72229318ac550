// Two clients tell a server their names, and have them back in a reply of one size.
#include "trireme/workload.h"

#include <algorithm>
#include <string>

using namespace trireme;

namespace {

Task<> Serve(Stream stream, std::string* buffer, Event replying) {
  std::string name = co_await stream.RecvUntil('\n');
  name.back() = '.';
  std::fill(std::copy(name.begin(), name.end(), buffer->begin()), buffer->end(), '.');
  replying.Set();
  co_await stream.SendAll(*buffer);
  stream.Close();
}

Task<> Ask(Runtime& rt, Address address, std::string name, size_t bytes) {
  Stream stream = co_await rt.Connect(address);
  co_await stream.SendAll(name + "\n");
  co_await stream.RecvExactly(bytes);
  stream.Close();
  rt.Observe("answered", name);
}

Task<> Main(Runtime& rt, const Params& params) {
  const size_t bytes = params.Get<size_t>("bytes");
  Listener listener = co_await rt.Listen();
  std::string buffer(bytes, '.');
  Event replying = rt.Event();
  TaskHandle<> first = rt.Spawn("client-0", Ask, rt, listener.address(), "client-0", bytes);
  TaskHandle<> server_0 =
      rt.Spawn("server-0", Serve, co_await listener.Accept(), &buffer, replying);
  co_await replying.Wait();
  TaskHandle<> second = rt.Spawn("client-1", Ask, rt, listener.address(), "client-1", bytes);
  TaskHandle<> server_1 =
      rt.Spawn("server-1", Serve, co_await listener.Accept(), &buffer, replying);
  co_await first.Join();
  co_await second.Join();
  co_await server_0.Join();
  co_await server_1.Join();
  listener.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
