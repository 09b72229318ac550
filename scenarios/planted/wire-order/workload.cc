// A server answers each question with four lines; it was written for green threads and ported to the others.
#include "trireme/workload.h"

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
  const std::string head = "id: " + Id() + "\n";
  const std::string date = "date: " + Date() + "\n";
  const std::string stock = "stock: 4\n";
  const std::string price = "price: 7\n";
  if (original) return {head + date + stock + price};
  return {head, date, price, stock};
}

Task<> Serve(Listener listener, bool original) {
  Stream stream = co_await listener.Accept();
  while (!(co_await stream.RecvUntil('\n')).empty())
    for (const std::string& piece : Pieces(original)) co_await stream.SendAll(piece);
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Serve, listener, rt.model() == "green");
  Stream stream = co_await rt.Connect(listener.address());
  for (int number = 0; number < params.Get<int>("questions"); ++number) {
    co_await stream.SendAll("item " + std::to_string(number) + "\n");
    for (int line = 0; line < 4; ++line) co_await stream.RecvUntil('\n');
  }
  stream.Close();
  co_await server.Join();
  listener.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
