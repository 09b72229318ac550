// A crawler with a bounded pool against a local HTTP server.
#include "trireme/workload.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace trireme;

namespace {

constexpr int kAttempts = 20;      // of one page
constexpr double kPatience = 2.0;  // seconds for one page
constexpr double kPause = 0.05;    // seconds until a page is asked for again

// Page k links to k * fanout + 1 ... k * fanout + fanout, as far as there are pages.
class Site {
 public:
  Site(Runtime& rt, const Params& params)
      : full(rt.Event()),
        pages_(params.Get<int>("pages")),
        fanout_(params.Get<int>("fanout")),
        cap_(params.Get<size_t>("cap")),
        lock_(rt.Lock()) {}

  Task<Response> Handle(Request request) {
    {
      const Guard held = co_await lock_.Hold();
      served.insert(request.path);
      ++requests;
      // Page 0 is fetched alone; of the first wave after it, all are held until `cap` of them are here.
      if (request.path != "/0") here_.insert(request.path);
      if (here_.size() == cap_) full.Set();
    }
    if (request.path != "/0") co_await full.Wait();
    co_return Page(std::stoi(request.path.substr(1)));
  }

  std::set<std::string> served;
  int requests = 0;
  Event full;

 private:
  Response Page(int number) const {
    if (number % 10 == 9) return {.status = 404, .body = "no such page"};
    std::string links;
    const int first = number * fanout_ + 1;
    for (int link = first; link < std::min(first + fanout_, pages_); ++link)
      links += "/" + std::to_string(link) + "\n";
    return {.body = links};
  }

  int pages_, fanout_;
  size_t cap_;
  Lock lock_;
  std::set<std::string> here_;
};

struct Page {
  std::string path;
  Value status;  // null: given up
  std::string body;
};

// Fetches pages; one that fails is asked for again.
class Crawler {
 public:
  Crawler(Runtime& rt, std::string url, Site& site)
      : rt_(rt), url_(std::move(url)), site_(site), lock_(rt.Lock()) {}

  Task<Page> Fetch(std::string path) {
    Page page{.path = path, .status = {}, .body = {}};
    Wave wave(site_.full);
    for (int n = 0; n < kAttempts; ++n) {
      if ((wave.here = co_await Attempt(page))) break;
      co_await rt_.Sleep(kPause);
    }
    co_return page;
  }

  int attempts = 0;
  int most_in_flight = 0;

 private:
  // The others of a page's wave need not wait for one that does not come.
  struct Wave {
    explicit Wave(Event& event) : full(event) {}
    Wave(const Wave&) = delete;
    ~Wave() {
      if (!here) full.Set();
    }
    Event& full;
    bool here = false;
  };
  struct InFlight {
    explicit InFlight(std::atomic<int>& all) : count(all) {}
    InFlight(const InFlight&) = delete;
    ~InFlight() { --count; }
    std::atomic<int>& count;
  };

  Task<bool> Attempt(Page& page) {
    {
      const Guard held = co_await lock_.Hold();
      ++attempts;
      most_in_flight = std::max(most_in_flight, ++in_flight_);
    }
    const InFlight leaves(in_flight_);
    Operation op = rt_.Op("fetch", page.path);
    try {
      const std::string url = url_ + page.path;
      const Response response =
          co_await rt_.Timeout(kPatience, [&] { return rt_.HttpRequest("GET", url); });
      if (response.status != 200 && response.status != 404)
        throw std::runtime_error("the server could not answer: status " +
                                 std::to_string(response.status));
      op.Ok(response.status);
      page.status = response.status;
      page.body = response.body;
      co_return true;
    } catch (const IoError& error) {
      op.Fail(error.error_number());
    } catch (const std::runtime_error& error) {
      op.Fail(error.what());
    }
    co_return false;
  }

  Runtime& rt_;
  std::string url_;
  Site& site_;
  Lock lock_;
  std::atomic<int> in_flight_ = 0;
};

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

Task<> Main(Runtime& rt, const Params& params) {
  Site site(rt, params);
  Server server =
      co_await rt.HttpServer([&site](Request request) { return site.Handle(std::move(request)); });
  Pool pool = rt.Pool(params.Get<size_t>("cap"));
  Crawler crawler(rt, server.url(), site);
  const auto fetch = [&crawler](std::string path) { return crawler.Fetch(std::move(path)); };

  std::vector<std::string> level = {"/0"};
  std::vector<Value> order;
  size_t total = 0;
  while (!level.empty()) {
    const std::vector<Page> results = co_await pool.Map(fetch, level);
    level.clear();
    for (const Page& page : results) {
      order.push_back(Value::List({page.path, page.status}));
      total += page.body.size();
      if (page.status.integer() != 200) continue;
      for (std::string& line : Lines(page.body)) level.push_back(std::move(line));
    }
  }
  co_await pool.Join();
  server.Close();

  rt.Observe("order", order);
  rt.Observe("bytes", total);
  rt.Observe("served", site.served.size());
  rt.Observe("requests doubled", site.requests > crawler.attempts);
  rt.Observe("cap reached", crawler.most_in_flight >= params.Get<int>("cap"));
  rt.Observe("cap respected", crawler.most_in_flight <= params.Get<int>("cap"));
}

}  // namespace

TRIREME_WORKLOAD(Main)
