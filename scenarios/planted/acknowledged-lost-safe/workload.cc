// Clients put numbers of eight bytes each into a server, which acknowledges each.
#include "trireme/workload.h"

#include <cstdio>
#include <string>
#include <vector>

using namespace trireme;

namespace {

class Store {
 public:
  explicit Store(Runtime& rt) : lock_(rt.Lock()) {}

  Task<> Add(int value) {
    const Guard held = co_await lock_.Hold();
    values_.push_back(value);
  }
  const std::vector<int>& values() const { return values_; }

 private:
  Lock lock_;
  std::vector<int> values_;
};

Task<> Receive(Stream stream, Store* store) {
  for (;;) {
    const std::string line = co_await stream.RecvUntil('\n');
    if (line.empty() || line == "goodbye\n") co_return;
    co_await store->Add(std::stoi(line));
    co_await stream.SendAll("stored\n");
  }
}

Task<> Serve(Stream stream, Store* store) {
  try {
    co_await Receive(stream, store);
  } catch (const IoError&) {  // the client's affair
  }
  stream.Close();
}

Task<> Accept(Runtime& rt, Listener listener, Store* store) {
  std::vector<TaskHandle<>> connections;
  for (;;) {
    Stream stream = co_await listener.Accept();
    connections.push_back(rt.Spawn("connection", Serve, stream, store));
  }
}

// False: there was no answer, so it does not count on it.
Task<bool> PutOne(Runtime& rt, Stream stream, int value) {
  Operation op = rt.Op("put", value);
  char line[16];
  std::snprintf(line, sizeof line, "%07d\n", value);
  co_await stream.SendAll(line);
  if (co_await stream.RecvUntil('\n') != "stored\n") {
    op.Fail("no answer");
    co_return false;
  }
  op.Ok();
  co_return true;
}

Task<> Put(Runtime& rt, Address address, int client, int puts) {
  Stream stream = co_await rt.Connect(address);
  try {
    bool answered = true;
    for (int number = 0; answered && number < puts; ++number)
      answered = co_await PutOne(rt, stream, 100 * client + number);
    if (answered) {
      co_await stream.SendAll("goodbye\n");
      co_await stream.Recv(1);
    }
  } catch (const IoError&) {
  }
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  Store store(rt);
  TaskHandle<> server = rt.Spawn("server", Accept, rt, listener, &store);
  std::vector<TaskHandle<>> clients;
  for (int n = 0; n < params.Get<int>("clients"); ++n)
    clients.push_back(rt.Spawn("client-" + std::to_string(n), Put, rt, listener.address(), n,
                               params.Get<int>("puts")));
  co_await rt.Gather(clients);
  co_await rt.Settle();
  server.Cancel();
  try {
    co_await server.Join();
  } catch (const Cancelled&) {
  }
  listener.Close();
  rt.Observe("final", store.values());
}

}  // namespace

TRIREME_WORKLOAD(Main)
