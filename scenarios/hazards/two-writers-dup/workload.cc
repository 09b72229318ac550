// Two tasks send a record each over one socket, the second by a duplicate of its descriptor.
#include "trireme/workload.h"

#include <algorithm>

using namespace trireme;

namespace {

Task<> Write(Runtime& rt, Stream stream, std::string record) {
  Operation op = rt.Op("write", record.substr(0, 1));
  co_await stream.SendAll(record);
  op.Ok();
}

Task<> Main(Runtime& rt, const Params& params) {
  auto [ours, theirs] = co_await rt.Socketpair();
  Stream copy = ours.Dup();
  const size_t bytes = params.Get<size_t>("bytes");
  std::vector<TaskHandle<>> writers;
  for (const char letter : {'a', 'b'}) {
    const std::string name = letter == 'a' ? "writer-1" : "writer-2";
    const std::string record(bytes, letter);
    writers.push_back(rt.Spawn(name, Write, std::ref(rt), letter == 'a' ? ours : copy, record));
    co_await rt.Settle();
  }
  const std::string records = co_await theirs.RecvExactly(2 * bytes);
  co_await rt.Gather(writers);
  ours.Close();
  copy.Close();
  theirs.Close();
  const std::vector<int64_t> counts = {std::count(records.begin(), records.end(), 'a'),
                                       std::count(records.begin(), records.end(), 'b')};
  rt.Observe("bytes", counts);
}

}  // namespace

TRIREME_WORKLOAD(Main)
