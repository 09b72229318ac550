// Clients give a question up after a while and ask the next one on the same connection.
#include "trireme/workload.h"

#include <atomic>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace trireme;

namespace {

// Answers each question by itself; the first one only when the client has given it up.
Task<> Serve(Stream stream, Event slow) {
  try {
    for (;;) {
      const std::string question = co_await stream.RecvUntil('\n');
      if (question.empty()) break;
      if (question == "question 0\n") co_await slow.Wait();
      co_await stream.SendAll(question);
    }
  } catch (const IoError&) {  // the client left with an answer unread
  }
  stream.Close();
}

Task<std::string> Exchange(Stream stream, std::string_view question) {
  co_await stream.SendAll(question);
  co_return co_await stream.RecvUntil('\n');
}

class Clients {
 public:
  Clients(Runtime& rt, Listener listener, int questions)
      : rt_(rt), listener_(listener), questions_(questions), one_at_a_time_(rt.Lock()) {}

  Task<> Run() {
    Event given_up = rt_.Event();
    Stream stream;
    TaskHandle<> server;
    std::tie(stream, server) = co_await Connected(given_up);
    for (int n = 0; n < questions_; ++n) {
      Operation op = rt_.Op("ask", 1);
      const std::string question = "question " + std::to_string(n) + "\n";
      try {
        // Only the first one has to wait.
        const std::string answer =
            co_await rt_.Timeout(n == 0 ? 0.1 : 60, [&] { return Exchange(stream, question); });
        if (answer == question) ++right;
        op.Ok(1);
        continue;
      } catch (const TimeoutExpired&) {
        op.Fail("timeout");
      }
      given_up.Set();
    }
    stream.Close();
    co_await server.Join();
  }

  std::atomic<int> right = 0;

 private:
  Task<std::pair<Stream, TaskHandle<>>> Connected(Event slow) {
    const Guard held = co_await one_at_a_time_.Hold();
    Stream stream = co_await rt_.Connect(listener_.address());
    Stream accepted = co_await listener_.Accept();
    co_return std::pair(stream, rt_.Spawn("server", Serve, accepted, slow));
  }

  Runtime& rt_;
  Listener listener_;
  int questions_;
  Lock one_at_a_time_;
};

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  Clients clients(rt, listener, params.Get<int>("questions"));
  std::vector<TaskHandle<>> tasks;
  for (int n = 0; n < params.Get<int>("clients"); ++n)
    tasks.push_back(rt.Spawn(
        "client-" + std::to_string(n), [](Clients* all) { return all->Run(); }, &clients));
  co_await rt.Gather(tasks);
  listener.Close();
  rt.Observe("right answers", clients.right.load());
}

}  // namespace

TRIREME_WORKLOAD(Main)
