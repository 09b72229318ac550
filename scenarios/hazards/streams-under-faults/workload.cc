// Clients send requests of 64 bytes and want them back; who loses a connection takes a new one and asks the next.
#include <atomic>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "trireme/workload.h"

using namespace trireme;

namespace {

constexpr size_t kSize = 64;

Task<> Echo(Stream stream) {
  try {
    for (;;) {
      const std::string request = co_await stream.RecvExactly(kSize);
      co_await stream.SendAll(request);
    }
  } catch (const IoError&) {
  } catch (const EndOfStream&) {
  }
  stream.Close();
}

// Ended by cancel(), which ends its connections' tasks, too: by then they have seen the end of their streams.
Task<> Serve(Runtime& rt, Listener listener) {
  std::vector<TaskHandle<>> connections;
  for (;;) {
    Stream stream = co_await listener.Accept();
    connections.push_back(rt.Spawn(Echo, stream));
  }
}

// Whether it was answered with the same bytes.
Task<bool> Ask(Runtime& rt, const Address& address, std::optional<Stream>& stream,
               const std::string& request) {
  if (!stream) stream = co_await rt.Connect(address);
  co_await stream->SendAll(request);
  const std::string answer = co_await stream->RecvExactly(kSize);
  co_return answer == request;
}

Task<int> Client(Runtime& rt, Address address, int number, int requests,
                 std::atomic<int>& broken) {
  int answered = 0;
  std::optional<Stream> stream;
  for (int n = 0; n < requests; ++n) {
    char head[32];
    std::snprintf(head, sizeof(head), "%05d %05d", number, n);
    const std::string request = head + std::string(kSize - 11, '.');
    Operation op = rt.Op("echo", n);
    try {
      const bool same = co_await Ask(rt, address, stream, request);
      op.Ok(same);
      answered += same ? 1 : 0;
      continue;
    } catch (const IoError&) {
    } catch (const EndOfStream&) {
    }
    op.Fail("lost");
    ++broken;
    if (stream) stream->Close();
    stream.reset();
  }
  if (stream) stream->Close();
  co_return answered;
}

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  std::atomic<int> broken{0};
  TaskHandle<> server = rt.Spawn("server", Serve, std::ref(rt), listener);
  std::vector<TaskHandle<int>> clients;
  for (int n = 0; n < params.Get<int>("clients"); ++n)
    clients.push_back(rt.Spawn("client-" + std::to_string(n), Client, std::ref(rt),
                               listener.address(), n, params.Get<int>("requests"),
                               std::ref(broken)));
  std::vector<Value> answered;
  for (TaskHandle<int>& client : clients) answered.push_back(co_await client.Join());
  rt.Observe("answered", Value(answered));
  rt.Observe("broken", broken.load());
  co_await rt.Settle();
  server.Cancel();
  try {
    co_await server.Join();
  } catch (const Cancelled&) {
    listener.Close();
  }
}

}  // namespace

TRIREME_WORKLOAD(Main)
