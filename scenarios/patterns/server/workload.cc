// An HTTP server whose clients keep alive, pipeline, drip and hurry.
#include "trireme/workload.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

using namespace trireme;

namespace {

using Replies = std::vector<Value>;

std::string RequestBytes(const Server& server, const std::string& path, const std::string& body) {
  const std::string host = server.url().substr(std::string("http://").size());
  return "POST " + path + " HTTP/1.1\r\nHost: " + host +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

bool IsContentLength(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return name == "content-length";
}

// [status, body] of the next reply; headers that servers add are not looked at.
Task<Value> ReadReply(Stream stream) {
  const std::string status_line = co_await stream.RecvUntil("\r\n");
  size_t length = 0;
  for (;;) {
    const std::string line = co_await stream.RecvUntil("\r\n");
    if (line == "\r\n") break;
    const size_t colon = line.find(':');
    if (IsContentLength(line.substr(0, colon))) length = std::stoul(line.substr(colon + 1));
  }
  std::string body = co_await stream.RecvExactly(length);
  co_return Value::List({std::stoi(status_line.substr(status_line.find(' ') + 1)), body});
}

Response Handle(Request request) {
  if (request.path.starts_with("/missing")) return {.status = 404, .body = "missing"};
  std::reverse(request.body.begin(), request.body.end());
  return {.body = request.path + " " + request.body};
}

std::string Repeat(const std::string& text, int times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

Task<Replies> KeepAlive(Runtime& rt, Server server, std::string name, int requests) {
  Stream stream = co_await rt.Connect(server.address());
  Replies replies;
  for (int n = 0; n < requests; ++n) {
    const std::string path =
        n % 5 == 4 ? "/missing/" + std::to_string(n) : "/" + name + "/" + std::to_string(n);
    Operation op = rt.Op("request", path);
    const std::string message = RequestBytes(server, path, Repeat("abc", n));
    co_await stream.SendAll(message);
    replies.push_back(co_await ReadReply(stream));
    op.Ok();
  }
  stream.Close();
  co_return replies;
}

Task<Replies> Pipelining(Runtime& rt, Server server, std::string name, int requests) {
  Stream stream = co_await rt.Connect(server.address());
  Operation op = rt.Op("request", name);
  std::string messages;
  for (int n = 0; n < requests; ++n)
    messages += RequestBytes(server, "/" + name + "/" + std::to_string(n), std::to_string(n));
  co_await stream.SendAll(messages);
  Replies replies;
  for (int n = 0; n < requests; ++n) replies.push_back(co_await ReadReply(stream));
  op.Ok(replies.size());
  stream.Close();
  co_return replies;
}

Task<Replies> Slow(Runtime& rt, Server server, Event others_done) {
  Stream stream = co_await rt.Connect(server.address());
  const std::string message = RequestBytes(server, "/slow", "drip");
  Operation op = rt.Op("request", "/slow");
  for (size_t n = 0; n < message.size(); ++n) {
    if (n == message.size() - 1) co_await others_done.Wait();
    co_await stream.SendAll(std::string_view(message).substr(n, 1));
    co_await rt.Checkpoint();
  }
  Replies replies;
  replies.push_back(co_await ReadReply(stream));
  op.Ok();
  stream.Close();
  co_return replies;
}

Task<> Main(Runtime& rt, const Params& params) {
  const int requests = params.Get<int>("requests");
  const int clients = params.Get<int>("clients");
  Server server = co_await rt.HttpServer(Handle);
  Event others_done = rt.Event();

  TaskHandle<Replies> last = rt.Spawn("slow", Slow, rt, server, others_done);
  std::vector<TaskHandle<Replies>> fast;
  for (int n = 0; n < clients; ++n)
    fast.push_back(rt.Spawn("keep-alive-" + std::to_string(n), KeepAlive, rt, server,
                            "k" + std::to_string(n), requests));
  for (int n = 0; n < clients; ++n)
    fast.push_back(rt.Spawn("pipelining-" + std::to_string(n), Pipelining, rt, server,
                            "p" + std::to_string(n), requests));
  int number = 0;
  for (const Replies& replies : co_await rt.Gather(fast))
    rt.Observe("client " + std::to_string(number++), replies);
  rt.Observe("fast clients waited for the slow one", last.Done());
  others_done.Set();
  rt.Observe("slow client", co_await last.Join());
  server.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
