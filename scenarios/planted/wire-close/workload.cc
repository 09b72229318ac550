// A server answers a question on each connection; it was written for green threads and ported to the others.
#include "trireme/workload.h"

#include <sys/socket.h>

#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

using namespace trireme;

namespace {

std::string Id() {
  std::random_device device;
  char id[33];
  for (int n = 0; n < 4; ++n) std::snprintf(id + 8 * n, 9, "%08x", device());
  return id;
}

std::string Date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::vector<std::string> Pieces(bool original) {
  const std::string first = "id: " + Id() + ", " + Date() + "\n";
  const std::string second = "stock: 4\n";
  if (original) return {first + second};
  return {first, second};
}

void DoNotLinger(const Stream& stream) {
  const linger none = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(stream.fileno(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

Task<> Serve(Listener listener, int clients, bool original) {
  for (int n = 0; n < clients; ++n) {
    Stream stream = co_await listener.Accept();
    co_await stream.RecvUntil('\n');
    for (const std::string& piece : Pieces(original)) co_await stream.SendAll(piece);
    if (!original) DoNotLinger(stream);
    stream.Close();
  }
}

Task<> Ask(Runtime& rt, Address address) {
  Stream stream = co_await rt.Connect(address);
  co_await stream.SendAll("item?\n");
  try {
    while (!(co_await stream.Recv(100)).empty()) {
    }
  } catch (const IoError&) {  // it has its answer
  }
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  const int clients = params.Get<int>("clients");
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Serve, listener, clients, rt.model() == "green");
  for (int number = 0; number < clients; ++number) {
    TaskHandle<> client = rt.Spawn("client-" + std::to_string(number), Ask, rt, listener.address());
    co_await client.Join();
  }
  co_await server.Join();
  listener.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
