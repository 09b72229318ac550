// Two tasks send a record each over one socket, one after the other.
#include <algorithm>

#include "trireme/workload.h"

using namespace trireme;

namespace {

Task<> Write(Lock lock, Stream stream, std::string record) {
  co_await lock.Acquire();
  co_await stream.SendAll(record);
  lock.Release();
}

bool IsWhole(const std::string& record) {
  return std::all_of(record.begin(), record.end(), [&](char letter) { return letter == record[0]; });
}

Task<> Main(Runtime& rt, const Params& params) {
  const size_t size = params.Get<size_t>("bytes");
  auto [ours, theirs] = co_await rt.Socketpair();
  Lock lock = rt.Lock();
  std::vector<TaskHandle<>> writers;
  writers.push_back(rt.Spawn("writer-1", Write, lock, ours, std::string(size, 'a')));
  writers.push_back(rt.Spawn("writer-2", Write, lock, ours, std::string(size, 'b')));
  co_await rt.Settle();
  std::vector<bool> whole;
  for (size_t n = 0; n < writers.size(); ++n) {
    const std::string record = co_await theirs.RecvExactly(size);
    whole.push_back(IsWhole(record));
  }
  for (TaskHandle<>& task : writers) co_await task.Join();
  rt.Observe("whole", whole);
  ours.Close();
  theirs.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
