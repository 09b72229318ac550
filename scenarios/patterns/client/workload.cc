// A crawler with a bounded pool against a local HTTP server.
#include "trireme/workload.h"

#include <algorithm>
#include <string>
#include <vector>

using namespace trireme;

namespace {

// Page k links to k * fanout + 1 ... k * fanout + fanout, as far as there are pages.
class Site {
 public:
  Site(Runtime& rt, const Params& params)
      : pages_(params.Get<int>("pages")),
        fanout_(params.Get<int>("fanout")),
        cap_(params.Get<int>("cap")),
        lock_(rt.Lock()),
        full_(rt.Event()) {}

  Task<Response> Handle(Request request) {
    {
      const Guard held = co_await lock_.Hold();
      ++served;
      most_in_flight = std::max(most_in_flight, ++in_flight_);
      // Page 0 is fetched alone; of the first wave after it, all are held until `cap` of them are here.
      if (in_flight_ == cap_) full_.Set();
    }
    if (request.path != "/0") co_await full_.Wait();
    const Guard held = co_await lock_.Hold();
    --in_flight_;
    co_return Page(std::stoi(request.path.substr(1)));
  }

  int most_in_flight = 0;
  int served = 0;

 private:
  Response Page(int number) const {
    if (number % 10 == 9) return {.status = 404, .body = "no such page"};
    std::string links;
    const int first = number * fanout_ + 1;
    for (int link = first; link < std::min(first + fanout_, pages_); ++link)
      links += "/" + std::to_string(link) + "\n";
    return {.body = links};
  }

  int pages_, fanout_, cap_;
  Lock lock_;
  Event full_;
  int in_flight_ = 0;
};

struct Page {
  std::string path;
  int status;
  std::string body;
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
  const auto fetch = [&rt, &server](std::string path) -> Task<Page> {
    Operation op = rt.Op("fetch", path);
    Response response = co_await rt.HttpRequest("GET", server.url() + path);
    op.Ok(response.status);
    co_return Page{path, response.status, response.body};
  };

  std::vector<std::string> level = {"/0"};
  std::vector<Value> order;
  size_t total = 0;
  while (!level.empty()) {
    const std::vector<Page> results = co_await pool.Map(fetch, level);
    level.clear();
    for (const Page& page : results) {
      order.push_back(Value::List({page.path, page.status}));
      total += page.body.size();
      if (page.status != 200) continue;
      for (std::string& line : Lines(page.body)) level.push_back(std::move(line));
    }
  }
  co_await pool.Join();
  server.Close();

  rt.Observe("order", order);
  rt.Observe("bytes", total);
  rt.Observe("served", site.served);
  rt.Observe("cap reached", site.most_in_flight >= params.Get<int>("cap"));
  rt.Observe("cap respected", site.most_in_flight <= params.Get<int>("cap"));
}

}  // namespace

TRIREME_WORKLOAD(Main)
