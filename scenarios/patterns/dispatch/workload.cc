// An aggregator between clients and backends, one of which is slow.
#include "trireme/workload.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace trireme;

namespace {

// Counts the answers of the fast backends and opens the gate of the slow one after the last, when that one is full.
class Gate {
 public:
  Gate(Runtime& rt, int expected)
      : event(rt.Event()), full(rt.Event()), lock_(rt.Lock()), expected_(expected) {}

  Task<> Answered(size_t backend) {
    if (backend == 0) co_return;
    bool last = false;
    {
      const Guard held = co_await lock_.Hold();
      last = ++answers_ == expected_;
    }
    if (!last) co_return;
    co_await full.Wait();  // however late its questions come
    event.Set();
  }

  Event event;
  Event full;

 private:
  Lock lock_;
  int expected_;
  int answers_ = 0;
};

// Answers lines; the slow one, which has a gate, only when that is open.
class Backend {
 public:
  Backend(Runtime& rt, std::string name, Gate* gate, int limit)
      : name_(std::move(name)), gate_(gate), limit_(limit), lock_(rt.Lock()) {}

  Task<Response> Handle(Request request) {
    {
      const Guard held = co_await lock_.Hold();
      most = std::max(most, ++now_);
      if (gate_ != nullptr && now_ == limit_) gate_->full.Set();
    }
    if (gate_ != nullptr) co_await gate_->event.Wait();
    const Guard held = co_await lock_.Hold();
    --now_;
    ++answered;
    co_return Response{.body = name_ + ":" + request.body};
  }

  const std::string& name() const { return name_; }
  int most = 0;
  int answered = 0;

 private:
  std::string name_;
  Gate* gate_;
  int limit_;
  Lock lock_;
  int now_ = 0;
};

// Asks every backend, at most `limit` questions at a time each, and joins what they say in their order.
class Aggregator {
 public:
  Aggregator(Runtime& rt, std::vector<std::string> urls, size_t limit, Gate& gate)
      : rt_(rt), urls_(std::move(urls)), gate_(gate) {
    for (size_t n = 0; n < urls_.size(); ++n) slots_.push_back(rt.Semaphore(limit));
  }

  Task<Response> Handle(Request request) {
    std::vector<TaskHandle<std::string>> asked;
    for (size_t n = 0; n < urls_.size(); ++n)
      asked.push_back(
          rt_.Spawn([this](size_t backend,
                           std::string question) { return Ask(backend, std::move(question)); },
                    n, request.body));
    std::string joined;
    for (const std::string& answer : co_await rt_.Gather(asked))
      joined += (joined.empty() ? "" : " ") + answer;
    co_return Response{.body = joined};
  }

 private:
  Task<std::string> Ask(size_t backend, std::string question) {
    Response response;
    {
      const Guard slot = co_await slots_[backend].Hold();
      response = co_await rt_.HttpRequest("POST", urls_[backend] + "/ask", question);
    }
    co_await gate_.Answered(backend);
    co_return response.body;
  }

  Runtime& rt_;
  std::vector<std::string> urls_;
  std::vector<Semaphore> slots_;
  Gate& gate_;
};

Task<Value> Question(Runtime& rt, std::string url, int number) {
  Operation op = rt.Op("question", number);
  const Response response =
      co_await rt.HttpRequest("POST", url + "/", "q" + std::to_string(number));
  op.Ok(response.body);
  co_return Value::List({response.status, response.body});
}

Task<> Main(Runtime& rt, const Params& params) {
  const int questions = params.Get<int>("questions");
  const int count = params.Get<int>("backends");
  const int limit = params.Get<int>("limit");
  Gate gate(rt, questions * (count - 1));

  std::vector<std::unique_ptr<Backend>> backends;
  std::vector<Server> servers;
  std::vector<std::string> urls;
  for (int n = 0; n < count; ++n) {
    backends.push_back(
        std::make_unique<Backend>(rt, "b" + std::to_string(n), n == 0 ? &gate : nullptr, limit));
    servers.push_back(co_await rt.HttpServer([backend = backends.back().get()](Request request) {
      return backend->Handle(std::move(request));
    }));
    urls.push_back(servers.back().url());
  }
  Aggregator aggregator(rt, urls, static_cast<size_t>(limit), gate);
  Server front = co_await rt.HttpServer(
      [&aggregator](Request request) { return aggregator.Handle(std::move(request)); });

  std::vector<TaskHandle<Value>> asked;
  for (int n = 0; n < questions; ++n)
    asked.push_back(rt.Spawn("client-" + std::to_string(n), Question, rt, front.url(), n));
  int number = 0;
  for (const Value& answer : co_await rt.Gather(asked))
    rt.Observe("answer " + std::to_string(number++), answer);
  for (const std::unique_ptr<Backend>& backend : backends) {
    rt.Observe(backend->name() + " answered", backend->answered);
    rt.Observe(backend->name() + " kept its limit", backend->most <= limit);
  }
  rt.Observe("slow backend filled its limit", backends[0]->most == limit);
  front.Close();
  for (Server& server : servers) server.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
