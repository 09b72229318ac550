// An aggregator between clients and backends, one of which is slow.
#include "trireme/workload.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace trireme;

namespace {

constexpr int kAttempts = 20;             // of one request
constexpr double kBackendPatience = 0.5;  // seconds for one answer of a backend
constexpr double kFrontPatience = 1.0;    // for one of the aggregator, who may have to ask again
constexpr double kShortestPause = 0.005;  // seconds until a request is sent again; twice as long each time
constexpr double kLongestPause = 0.1;
constexpr double kGiveUp = 6.0;           // after which a question is not sent again

using Answer = std::optional<std::string>;

// Seconds between an attempt, the first is 0, and the next.
double PauseAfter(int attempt) {
  return std::min(std::ldexp(kShortestPause, attempt), kLongestPause);
}

// The body of the answer; none where the request failed, which `failed` is told of.
template <typename Failed>
Task<Answer> Post(Runtime& rt, std::string url, std::string body, double patience, Failed failed) {
  try {
    const Response response =
        co_await rt.Timeout(patience, [&] { return rt.HttpRequest("POST", url, body); });
    if (response.status == 200) co_return response.body;
    failed(Value("status " + std::to_string(response.status)));
  } catch (const IoError& error) {
    failed(error.error_number());
  } catch (const std::runtime_error& error) {
    failed(error.what());
  }
  co_return std::nullopt;
}

// Counts the answers of the fast backends and opens the gate of the slow one after the last, when that one is full.
class Gate {
 public:
  Gate(Runtime& rt, size_t expected) : event(rt.Event()), lock_(rt.Lock()), expected_(expected) {}

  // Or not to be waited for, since whoever asks was stopped.
  Task<> Answered(size_t backend, std::string question) {
    if (backend == 0) co_return;
    {
      const Guard held = co_await lock_.Hold();
      answers_.emplace(backend, question);
      if (answers_.size() == expected_) all_answered_ = true;
    }
    OpenWhenDue();
  }

  // The slow one has its limit of questions, or one of them need not be waited for.
  void Fill() {
    full_ = true;
    OpenWhenDue();
  }

  // Lets pass who waits: nobody asks any more.
  void Open() { event.Set(); }

  Event event;

 private:
  // By whoever is the second of the two, and without a wait that could be stopped.
  void OpenWhenDue() {
    if (full_ && all_answered_) event.Set();
  }

  Lock lock_;
  size_t expected_;
  std::set<std::pair<size_t, std::string>> answers_;
  std::atomic<bool> all_answered_ = false;
  std::atomic<bool> full_ = false;
};

struct OpenAtEnd {
  explicit OpenAtEnd(Gate& opened) : gate(opened) {}
  OpenAtEnd(const OpenAtEnd&) = delete;
  ~OpenAtEnd() { gate.Open(); }
  Gate& gate;
};

// Answers lines; the slow one, which has a gate, only when that is open.
class Backend {
 public:
  Backend(Runtime& rt, std::string name, Gate* gate, size_t limit)
      : name_(std::move(name)), gate_(gate), limit_(limit), lock_(rt.Lock()) {}

  Task<Response> Handle(Request request) {
    {
      const Guard held = co_await lock_.Hold();
      asked_.insert(request.body);
      if (gate_ != nullptr && asked_.size() == limit_) gate_->Fill();
    }
    if (gate_ != nullptr) co_await gate_->event.Wait();
    const Guard held = co_await lock_.Hold();
    answered.insert(request.body);
    co_return Response{.body = name_ + ":" + request.body};
  }

  const std::string& name() const { return name_; }
  std::set<std::string> answered;

 private:
  std::string name_;
  Gate* gate_;
  size_t limit_;
  Lock lock_;
  std::set<std::string> asked_;
};

// Asks every backend, at most `limit` questions at a time each, and joins what they say in their order.
class Aggregator {
 public:
  Aggregator(Runtime& rt, std::vector<std::string> urls, size_t limit, Gate& gate)
      : most(urls.size()), rt_(rt), urls_(std::move(urls)), gate_(gate), now_(urls_.size()) {
    for (size_t n = 0; n < urls_.size(); ++n) slots_.push_back(rt.Semaphore(limit));
  }

  Task<Response> Handle(Request request) {
    std::vector<TaskHandle<Answer>> asked;
    for (size_t n = 0; n < urls_.size(); ++n)
      asked.push_back(
          rt_.Spawn([this](size_t backend,
                           std::string question) { return Ask(backend, std::move(question)); },
                    n, request.body));
    std::string joined;
    for (const Answer& answer : co_await rt_.Gather(asked)) {
      if (!answer) co_return Response{.status = 502};
      joined += (joined.empty() ? "" : " ") + *answer;
    }
    co_return Response{.body = joined};
  }

  std::vector<size_t> most;  // requests at once, of each backend

 private:
  struct InFlight {
    InFlight(Aggregator& all, size_t number) : aggregator(all), backend(number) {
      aggregator.Count(backend, 1);
    }
    InFlight(const InFlight&) = delete;
    ~InFlight() { aggregator.Count(backend, -1); }
    Aggregator& aggregator;
    size_t backend;
  };

  Task<Answer> Ask(size_t backend, std::string question) {
    Answer answer;
    bool stopped = false;
    try {
      answer = co_await Persist(backend, question);
      if (!answer && backend == 0) gate_.Fill();  // nobody need wait for this one
    } catch (const Cancelled&) {
      stopped = true;
    }
    co_await gate_.Answered(backend, question);
    if (stopped) throw Cancelled();
    co_return answer;
  }

  // A backend's answer, asked for again while there is none: a question changes nothing.
  Task<Answer> Persist(size_t backend, std::string question) {
    Answer answer;
    for (int n = 0; n < kAttempts && !answer; ++n) {
      if (n > 0) co_await rt_.Sleep(PauseAfter(n - 1));
      const Guard slot = co_await slots_[backend].Hold();
      const InFlight counted(*this, backend);
      answer = co_await Post(rt_, urls_[backend] + "/ask", question, kBackendPatience,
                             [](const Value&) {});
    }
    co_return answer;
  }

  void Count(size_t backend, int change) {
    const std::lock_guard held(mutex_);
    now_[backend] += static_cast<size_t>(change);
    most[backend] = std::max(most[backend], now_[backend]);
  }

  Runtime& rt_;
  std::vector<std::string> urls_;
  std::vector<Semaphore> slots_;
  Gate& gate_;
  std::mutex mutex_;
  std::vector<size_t> now_;
};

// Asks the aggregator, again while there is no answer.
Task<Value> Persist(Runtime& rt, std::string url, int number, std::string question) {
  const double begin = rt.Now();
  for (int n = 0; n < kAttempts && rt.Now() - begin <= kGiveUp; ++n) {
    Operation op = rt.Op("question", number);
    const Answer answer = co_await Post(rt, url + "/", question, kFrontPatience,
                                        [&op](const Value& error) { op.Fail(error); });
    if (answer) {
      op.Ok(*answer);
      co_return Value::List({200, *answer});
    }
    co_await rt.Sleep(PauseAfter(n));
  }
  co_return Value();
}

Task<Value> Question(Runtime& rt, std::string url, int number, Gate* gate, size_t backends) {
  const std::string question = "q" + std::to_string(number);
  Value answer;
  bool stopped = false;
  try {
    answer = co_await Persist(rt, url, number, question);
  } catch (const Cancelled&) {
    stopped = true;
  }
  const bool given_up = !stopped && answer.type() == Value::Type::kNone;
  if (given_up) gate->Fill();  // the questions that it would have led to do not come
  if (stopped || given_up)
    for (size_t n = 0; n < backends; ++n) co_await gate->Answered(n, question);
  if (stopped) throw Cancelled();
  co_return answer;
}

Task<> Main(Runtime& rt, const Params& params) {
  const int questions = params.Get<int>("questions");
  const int count = params.Get<int>("backends");
  const size_t limit = params.Get<size_t>("limit");
  Gate gate(rt, static_cast<size_t>(questions * (count - 1)));

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
  Aggregator aggregator(rt, urls, limit, gate);
  Server front = co_await rt.HttpServer(
      [&aggregator](Request request) { return aggregator.Handle(std::move(request)); });

  std::vector<TaskHandle<Value>> asked;
  const OpenAtEnd opens(gate);  // before its tasks are ended
  for (int n = 0; n < questions; ++n)
    asked.push_back(rt.Spawn("client-" + std::to_string(n), Question, rt, front.url(), n, &gate,
                             backends.size()));
  int number = 0;
  for (const Value& answer : co_await rt.Gather(asked))
    rt.Observe("answer " + std::to_string(number++), answer);
  for (size_t n = 0; n < backends.size(); ++n) {
    rt.Observe(backends[n]->name() + " answered", backends[n]->answered.size());
    rt.Observe(backends[n]->name() + " kept its limit", aggregator.most[n] <= limit);
  }
  rt.Observe("slow backend filled its limit", aggregator.most[0] == limit);
  front.Close();
  for (Server& server : servers) server.Close();
}

}  // namespace

TRIREME_WORKLOAD(Main)
