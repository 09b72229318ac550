// Writers send all of each message.
#include "trireme/workload.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

using namespace trireme;

namespace {

// Until all writers have begun to write, so that their first messages are surely concurrent.
struct Start {
  std::atomic<int> awaited;
  Event all_began;

  Task<> Begin() {
    if (--awaited == 0) all_began.Set();
    co_await all_began.Wait();
  }
};

Task<> Write(Runtime& rt, Address address, int messages, size_t bytes, Start& start) {
  Stream stream = co_await rt.Connect(address);
  const std::string message(bytes, 'x');
  for (int n = 0; n < messages; ++n) {
    Operation op = rt.Op("write", bytes);
    co_await start.Begin();
    co_await stream.SendAll(message);
    op.Ok();
  }
  stream.Close();
}

Task<size_t> Read(Stream stream) {
  size_t size = 0;
  for (std::string data = "?"; !data.empty(); size += data.size())
    data = co_await stream.Recv(4096);
  stream.Close();
  co_return size;
}

Task<> Main(Runtime& rt, const Params& params) {
  const int count = params.Get<int>("writers");
  Listener listener = co_await rt.Listen();
  Start start = {.awaited = count, .all_began = rt.Event()};
  std::vector<TaskHandle<>> writers;
  for (int n = 0; n < count; ++n)
    writers.push_back(rt.Spawn("writer-" + std::to_string(n), Write, rt, listener.address(),
                               params.Get<int>("messages"), params.Get<size_t>("bytes"),
                               std::ref(start)));
  std::vector<TaskHandle<size_t>> readers;
  for (int n = 0; n < count; ++n) {
    Stream stream = co_await listener.Accept();
    readers.push_back(rt.Spawn("reader", Read, stream));
  }
  co_await rt.Gather(writers);
  size_t received = 0;
  for (const size_t size : co_await rt.Gather(readers)) received += size;
  rt.Observe("received", received);
  listener.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
