// Clients ask a counter to add, again and again until it answers.
#include "trireme/workload.h"

#include <stdexcept>
#include <string>
#include <vector>

using namespace trireme;

namespace {

class Counter {
 public:
  explicit Counter(Runtime& rt) : lock_(rt.Lock()) {}

  Task<Response> Add(Request) {
    const Guard held = co_await lock_.Hold();
    ++total;
    co_return Response{.body = "added"};
  }

  int total = 0;

 private:
  Lock lock_;
};

Task<bool> Answered(Runtime& rt, std::string url) {
  try {
    const Response response = co_await rt.HttpRequest("POST", url);
    co_return response.body == "added";
  } catch (const std::runtime_error&) {
    co_return false;
  }
}

Task<> Client(Runtime& rt, std::string url, int adds) {
  for (int n = 0; n < adds; ++n) {
    Operation op = rt.Op("add", 1);
    for (bool answered = false; !answered;)
      answered = co_await Answered(rt, url + "/" + std::to_string(n));
    op.Ok(1);
  }
}

Task<> Main(Runtime& rt, const Params& params) {
  Counter counter(rt);
  Server server = co_await rt.HttpServer(
      [&counter](Request request) { return counter.Add(std::move(request)); });
  std::vector<TaskHandle<>> clients;
  for (int n = 0; n < params.Get<int>("clients"); ++n)
    clients.push_back(rt.Spawn("client-" + std::to_string(n), Client, rt,
                               server.url() + "/" + std::to_string(n), params.Get<int>("adds")));
  co_await rt.Gather(clients);
  server.Close();
  rt.Observe("total", counter.total);
}

}  // namespace

TRIREME_WORKLOAD(Main)
