// A server tries again at once when it cannot accept; another task wants to work.
#include "trireme/workload.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>

using namespace trireme;

namespace {

// Until it is set back; what is open stays open.
void AllowNoDescriptor(rlimit limit) {
  const int lowest = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  ::close(lowest);
  limit.rlim_cur = static_cast<rlim_t>(lowest);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Task<> Accept(Runtime& /*rt*/, Listener listener, std::shared_ptr<std::atomic<bool>> worked) {
  while (!*worked) {
    bool failed = false;
    try {
      Stream stream = co_await listener.Accept();
      stream.Close();
    } catch (const IoError&) {
      failed = true;
    }
    if (failed) continue;
  }
}

Task<> Work(Runtime& rt) {
  Operation op = rt.Op("work");
  for (int n = 0; n < 3; ++n) co_await rt.Sleep(0.01);
  op.Ok();
}

Task<> Main(Runtime& rt, const Params&) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  Listener listener = co_await rt.Listen();
  Stream client = co_await rt.Connect(listener.address());
  auto worked = std::make_shared<std::atomic<bool>>(false);
  AllowNoDescriptor(before);
  TaskHandle<> worker = rt.Spawn("worker", Work, rt);
  TaskHandle<> acceptor = rt.Spawn("acceptor", Accept, rt, listener, worked);
  co_await worker.Join();
  *worked = true;
  co_await acceptor.Join();
  ::setrlimit(RLIMIT_NOFILE, &before);
  client.Close();
  listener.Close();
  rt.Observe("ended", true);
}

}  // namespace

TRIREME_WORKLOAD(Main)
