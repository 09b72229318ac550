// An HTTP server whose clients keep alive, pipeline, drip and hurry.
#include "trireme/workload.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace trireme;

namespace {

using Replies = std::vector<Value>;

constexpr int kAttempts = 20;      // of one request
constexpr double kPatience = 2.0;  // seconds for one reply
constexpr double kPause = 0.05;    // seconds until a request is sent again

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

Task<std::string> ReadLine(Stream stream) {
  std::string line = co_await stream.RecvUntil("\r\n");
  if (line.empty()) throw EndOfStream();
  co_return line;
}

// [status, body] of the next reply; headers that servers add are not looked at.
Task<Value> ReadReply(Stream stream) {
  const std::string status_line = co_await ReadLine(stream);
  const int status = std::stoi(status_line.substr(status_line.find(' ') + 1));
  size_t length = 0;
  for (;;) {
    const std::string line = co_await ReadLine(stream);
    if (line == "\r\n") break;
    const size_t colon = line.find(':');
    if (IsContentLength(line.substr(0, colon))) length = std::stoul(line.substr(colon + 1));
  }
  std::string body = co_await stream.RecvExactly(length);
  if (status != 200 && status != 404)
    throw std::runtime_error("the server could not read the request: status " +
                             std::to_string(status));
  co_return Value::List({status, body});
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

// One connection at a time. A request that fails is sent again over a new one: none here changes
// anything.
class Client {
 public:
  Client(Runtime& rt, const Server& server) : rt_(rt), address_(server.address()) {}

  // Whether `talk(stream)` ended without an error.
  template <typename Talk>
  Task<bool> Attempt(std::string value, Talk talk) {
    Operation op = rt_.Op("request", value);
    try {
      if (!connected_) co_await rt_.Timeout(kPatience, [this] { return Connect(); });
      co_await talk(stream_);
      op.Ok();
      co_return true;
    } catch (const IoError& error) {
      op.Fail(error.error_number());
    } catch (const std::runtime_error& error) {
      op.Fail(error.what());
    }
    if (connected_) stream_.Close();
    connected_ = false;
    co_return false;
  }

  template <typename Talk>
  Task<> Persist(std::string value, Talk talk) {
    for (int n = 0; n < kAttempts; ++n) {
      if (co_await Attempt(value, talk)) co_return;
      co_await rt_.Sleep(kPause);
    }
  }

  // The reply; null where none came.
  Task<Value> Ask(std::string path, std::string message) {
    Value reply;
    co_await Persist(path, [&](Stream stream) -> Task<> {
      reply = co_await rt_.Timeout(kPatience, [&] { return Exchange(stream, message); });
    });
    co_return reply;
  }

  static Task<Value> Exchange(Stream stream, std::string_view message) {
    co_await stream.SendAll(message);
    co_return co_await ReadReply(stream);
  }

 private:
  Task<> Connect() {
    stream_ = co_await rt_.Connect(address_);
    connected_ = true;
  }

  Runtime& rt_;
  Address address_;
  Stream stream_;
  bool connected_ = false;
};

Task<Replies> KeepAlive(Runtime& rt, Server server, std::string name, int requests) {
  Client client(rt, server);
  Replies replies;
  for (int n = 0; n < requests; ++n) {
    const std::string path =
        n % 5 == 4 ? "/missing/" + std::to_string(n) : "/" + name + "/" + std::to_string(n);
    const std::string message = RequestBytes(server, path, Repeat("abc", n));
    replies.push_back(co_await client.Ask(path, message));
  }
  co_return replies;
}

Task<> AskAtOnce(Stream stream, const std::vector<std::string>& messages, Replies& replies) {
  std::string all;
  for (const std::string& message : messages) all += message;
  co_await stream.SendAll(all);
  while (replies.size() < messages.size()) replies.push_back(co_await ReadReply(stream));
}

// All requests at once; after a failure one by one those that have no reply, as RFC 9112 (9.3.2)
// has it.
Task<Replies> Pipelining(Runtime& rt, Server server, std::string name, int requests) {
  std::vector<std::string> paths;
  std::vector<std::string> messages;
  for (int n = 0; n < requests; ++n) {
    paths.push_back("/" + name + "/" + std::to_string(n));
    messages.push_back(RequestBytes(server, paths.back(), std::to_string(n)));
  }
  Client client(rt, server);
  Replies replies;
  co_await client.Attempt(name, [&](Stream stream) {
    const auto ask = [&, stream] { return AskAtOnce(stream, messages, replies); };
    return rt.Timeout(kPatience, ask);
  });
  for (size_t n = replies.size(); n < messages.size(); ++n)
    replies.push_back(co_await client.Ask(paths[n], messages[n]));
  co_return replies;
}

Task<Replies> Slow(Runtime& rt, Server server, Event others_done) {
  const std::string message = RequestBytes(server, "/slow", "drip");
  const std::string_view most = std::string_view(message).substr(0, message.size() - 1);
  const std::string_view rest = std::string_view(message).substr(message.size() - 1);
  Client client(rt, server);
  Value reply;
  co_await client.Persist("/slow", [&](Stream stream) -> Task<> {
    for (size_t n = 0; n < most.size(); ++n) {
      co_await stream.SendAll(most.substr(n, 1));
      co_await rt.Checkpoint();
    }
    co_await others_done.Wait();
    reply = co_await rt.Timeout(kPatience, [&] { return Client::Exchange(stream, rest); });
  });
  co_return Replies{reply};
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
  const std::vector<Replies> answered = co_await rt.Gather(fast);
  const bool waited = last.Done();
  others_done.Set();
  const Replies dripped = co_await last.Join();
  int number = 0;
  for (const Replies& replies : answered) rt.Observe("client " + std::to_string(number++), replies);
  rt.Observe("slow client", dripped);
  rt.Observe("fast clients waited for the slow one", waited);
  server.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
