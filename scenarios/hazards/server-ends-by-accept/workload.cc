// A client asks again while nobody answers it.
#include "trireme/workload.h"

#include <stdexcept>
#include <string>

using namespace trireme;

namespace {

constexpr double kPause = 0.05;  // seconds until it asks again

Task<bool> Ask(Runtime& rt, std::string url, double patience) {
  Operation op = rt.Op("request");
  try {
    const Response response =
        co_await rt.Timeout(patience, [&] { return rt.HttpRequest("GET", url); });
    op.Ok(response.status);
    co_return response.status == 200;
  } catch (const IoError& error) {
    op.Fail(error.error_number());
  } catch (const std::runtime_error& error) {
    op.Fail(error.what());
  }
  co_return false;
}

Task<> Main(Runtime& rt, const Params& params) {
  Server server = co_await rt.HttpServer([](Request) { return Response{.body = "hello"}; });
  const std::string url = server.url() + "/";
  bool served = false;
  for (int n = 0; n < params.Get<int>("attempts") && !served; ++n) {
    served = co_await Ask(rt, url, params.Get<double>("patience"));
    if (!served) co_await rt.Sleep(kPause);
  }
  server.Close();
  rt.Outcome(served ? "served" : "refused");
  rt.Observe("served", served);
}

}  // namespace

TRIREME_WORKLOAD(Main)
