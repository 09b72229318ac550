// Two tasks send a record each over one socket that nobody reads until both wait.
#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Write(Runtime& rt, Stream stream, std::string record) {
  Operation op = rt.Op("write", record.substr(0, 1));
  co_await stream.SendAll(record);
  op.Ok();
}

Task<> Drain(Stream stream) {
  for (std::string data = "more"; !data.empty();) data = co_await stream.Recv(65536);
}

Task<> Main(Runtime& rt, const Params& params) {
  auto [ours, theirs] = co_await rt.Socketpair();
  std::vector<TaskHandle<>> writers;
  for (const char letter : {'a', 'b'}) {
    const std::string name = letter == 'a' ? "writer-1" : "writer-2";
    const std::string record(params.Get<size_t>("bytes"), letter);
    writers.push_back(rt.Spawn(name, Write, std::ref(rt), ours, record));
    co_await rt.Settle();
  }
  TaskHandle<> drainer = rt.Spawn("drainer", Drain, theirs);
  co_await rt.Settle();
  for (TaskHandle<>& task : writers) {
    task.Cancel();
    try {
      co_await task.Join();
    } catch (const Cancelled&) {  // one may wait for ever
    }
  }
  ours.Close();
  co_await drainer.Join();
  theirs.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
