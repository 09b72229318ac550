// Readers take turns at one socket; the last one replaces a reader that timed out.
#include "trireme/workload.h"

using namespace trireme;

namespace {

using Turn = Queue<Stream>;

Task<std::string> Read(Turn mine, Turn next) {
  Stream stream = co_await mine.Get();
  std::string line = co_await stream.RecvUntil('\n');
  co_await next.Put(stream);
  co_return line;
}

Task<bool> TimeOut(Runtime& rt, Stream stream) {
  try {
    co_await rt.Timeout(0.01, [&] { return stream.Recv(1); });
  } catch (const TimeoutExpired&) {
    co_return true;
  }
  co_return false;
}

Task<std::string> Last(Stream stream) { co_return co_await stream.Recv(4); }

Task<> Main(Runtime& rt, const Params& params) {
  const size_t count = params.Get<size_t>("readers");
  auto [ours, theirs] = co_await rt.Socketpair();
  std::vector<Turn> turns;
  for (size_t n = 0; n <= count; ++n) turns.push_back(rt.Queue<Stream>(1));
  std::vector<TaskHandle<std::string>> readers;
  for (size_t n = 0; n < count; ++n)
    readers.push_back(rt.Spawn("reader-" + std::to_string(n), Read, turns[n], turns[n + 1]));
  co_await turns[0].Put(ours);
  co_await rt.Settle();
  for (size_t n = 0; n < count; ++n) {
    const std::string line = std::to_string(n) + "\n";
    co_await theirs.SendAll(line);
  }
  std::vector<std::string> lines;
  for (TaskHandle<std::string>& reader : readers) lines.push_back(co_await reader.Join());
  TaskHandle<bool> impatient = rt.Spawn("impatient", TimeOut, std::ref(rt), ours);
  rt.Observe("timed out", co_await impatient.Join());
  TaskHandle<std::string> last = rt.Spawn("replacement", Last, ours);
  co_await rt.Settle();
  co_await theirs.SendAll("last");
  rt.Observe("last", co_await last.Join());
  rt.Observe("lines", lines);
  ours.Close();
  theirs.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
