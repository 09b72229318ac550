// A task is cancelled in the middle of an answer; another one makes a new connection.
#include "trireme/workload.h"

#include <string>
#include <vector>

using namespace trireme;

namespace {

Task<> Serve(Stream stream, Event given_up) {
  try {
    for (;;) {
      const std::string question = co_await stream.RecvUntil('\n');
      if (question.empty()) break;
      co_await stream.SendAll("answer to ");
      if (question == "one\n") co_await given_up.Wait();
      co_await stream.SendAll(question);
    }
  } catch (const IoError&) {  // the client left with an answer unread
  }
  stream.Close();
}

class Service {
 public:
  explicit Service(Runtime& rt, Listener listener)
      : given_up(rt.Event()), rt_(rt), listener_(listener) {}

  Task<Stream> Connected() {
    Stream stream = co_await rt_.Connect(listener_.address());
    Stream accepted = co_await listener_.Accept();
    servers.push_back(rt_.Spawn("server", Serve, accepted, given_up));
    co_return stream;
  }

  Event given_up;
  std::vector<TaskHandle<>> servers;

 private:
  Runtime& rt_;
  Listener listener_;
};

Task<std::string> Ask(Stream stream, std::string question) {
  co_await stream.SendAll(question);
  co_return co_await stream.RecvUntil('\n');
}

Task<> Main(Runtime& rt, const Params&) {
  Listener listener = co_await rt.Listen();
  Service service(rt, listener);
  Stream stream = co_await service.Connected();
  TaskHandle<std::string> first = rt.Spawn("first", Ask, stream, "one\n");
  co_await rt.Settle();
  first.Cancel();
  try {
    co_await first.Join();
  } catch (const Cancelled&) {
  }
  service.given_up.Set();
  stream.Close();
  stream = co_await service.Connected();
  {
    Operation op = rt.Op("ask", "two");
    const std::string answer = co_await Ask(stream, "two\n");
    op.Ok(answer);
    rt.Outcome(answer == "answer to two\n" ? "own-answer" : "previous-answer");
  }
  stream.Close();
  co_await rt.Gather(service.servers);
  listener.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
