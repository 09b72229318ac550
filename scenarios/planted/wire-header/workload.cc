// A server answers requests over HTTP; it was written for green threads and ported to the others.
#include "trireme/workload.h"

#include <algorithm>
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

std::string Head(bool original) {
  const std::string charset = original ? "; charset=utf-8" : "";
  std::vector<std::string> headers = {"Date: " + Date(), "X-Request-Id: " + Id(),
                                      "Content-Type: text/plain" + charset,
                                      "Transfer-Encoding: chunked"};
  if (!original) std::reverse(headers.begin(), headers.end());
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (const std::string& header : headers) head += header + "\r\n";
  return head + "\r\n";
}

std::string Body(bool original) {
  if (original) return "12\r\nstock: 4, price: 7\r\n0\r\n\r\n";
  return "8\r\nstock: 4\r\na\r\n, price: 7\r\n0\r\n\r\n";
}

Task<> Serve(Listener listener, bool original) {
  Stream stream = co_await listener.Accept();
  while (!(co_await stream.RecvUntil("\r\n\r\n")).empty()) {
    co_await stream.SendAll(Head(original));
    co_await stream.SendAll(Body(original));
  }
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Serve, listener, rt.model() == "green");
  Stream stream = co_await rt.Connect(listener.address());
  for (int number = 0; number < params.Get<int>("requests"); ++number) {
    co_await stream.SendAll("GET /item/" + std::to_string(number) +
                            " HTTP/1.1\r\nHost: shop\r\n\r\n");
    co_await stream.RecvUntil("\r\n\r\n");
    co_await stream.RecvUntil("\r\n0\r\n\r\n");
  }
  stream.Close();
  co_await server.Join();
  listener.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
