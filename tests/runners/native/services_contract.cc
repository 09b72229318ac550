#include <netdb.h>

#include <atomic>
#include <thread>

#include "runners/sdk/exceptions.h"
#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

CONTRACT(http_status_body_order) {
  Server server = co_await rt.HttpServer([](Request request) {
    return Response{.status = request.path == "/missing" ? 404 : 200,
                    .body = request.method + " " + request.path};
  });
  auto client = [&rt, &server](int number) -> Task<> {
    for (int i = 0; i < 5; ++i) {
      const std::string path = "/" + std::to_string(number) + "/" + std::to_string(i);
      const Response response = co_await rt.HttpRequest("GET", server.url() + path);
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.body, "GET " + path);
    }
  };
  std::vector<TaskHandle<>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(rt.Spawn(client, i));
  co_await rt.Gather(clients);
  EXPECT_EQ((co_await rt.HttpRequest("GET", server.url() + "/missing")).status, 404);
  server.Close();
}

CONTRACT(http_post_body) {
  Server server = co_await rt.HttpServer([](Request request) -> Task<Response> {
    co_return Response{.body = request.method + request.path + std::to_string(request.body.size()) +
                               (request.headers.Has("CONTENT-length") ? "yes" : "no"),
                       .headers = {{"X-Answer", "42"}}};
  });
  const Response response =
      co_await rt.HttpRequest("POST", server.url() + "/in", std::string(100'000, 'b'));
  EXPECT_EQ(response.body, "POST/in100000yes");
  EXPECT_EQ(response.headers.Get("x-answer"), "42");
  server.Close();
}

CONTRACT(http_cut_body) {
  std::atomic<int> seen = 0;
  Server server = co_await rt.HttpServer([&seen](Request) {
    ++seen;
    return Response{};
  });
  Stream stream = co_await rt.Connect(server.address());
  co_await stream.SendAll("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nwh");
  stream.Shutdown();
  while (!(co_await stream.Recv(4096)).empty()) continue;
  EXPECT_EQ(seen, 0);
  const Response response = co_await rt.HttpRequest("POST", server.url() + "/", "whole");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(seen, 1);
  server.Close();
}

CONTRACT(http_close_ends_cut_requests) {
  std::atomic<int> seen = 0;
  Server server = co_await rt.HttpServer([&seen](Request) {
    ++seen;
    return Response{.body = "whole"};
  });
  std::vector<Stream> streams;
  for (const std::string cut :
       {"GET /head HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nwh"}) {
    Stream stream = co_await rt.Connect(server.address());
    const std::string both = "GET /whole HTTP/1.1\r\nHost: x\r\n\r\n" + cut;
    co_await stream.SendAll(both);
    co_await stream.RecvUntil("whole");
    streams.push_back(stream);
  }
  server.Close();
  for (Stream& stream : streams) {
    try {
      for (;;) {
        const std::string data = co_await stream.Recv(4096);
        if (data.empty()) break;
      }
    } catch (const IoError&) {  // it was reset
    }
    stream.Close();
  }
  EXPECT_EQ(seen, 2);
}

CONTRACT(http_close_while_answering) {
  Event began = rt.Event();
  Server server = co_await rt.HttpServer([&rt, &began](Request) -> Task<Response> {
    began.Set();
    co_await rt.Sleep(60);
    co_return Response{};
  });
  Stream stream = co_await rt.Connect(server.address());
  co_await stream.SendAll("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  co_await began.Wait();
  server.Close();
  co_await rt.Checkpoint();  // the server begins to end, and this task goes on before it has
}

CONTRACT(http_keep_alive_pipelining) {
  Server server = co_await rt.HttpServer([&rt](Request request) -> Task<Response> {
    co_await rt.Sleep(request.path == "/0" ? 0.01 : 0.0);
    co_return Response{.body = request.path + request.body};
  });
  Stream stream = co_await rt.Connect(server.address());
  co_await stream.SendAll(
      "GET /0 HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      "GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  for (const std::string body : {"/0", "/1abcde", "/2"}) {
    const std::string head = co_await stream.RecvUntil("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200")) << head;
    EXPECT_EQ(co_await stream.RecvExactly(body.size()), body);
  }
  EXPECT_EQ(co_await stream.Recv(1), "");
  server.Close();
}

CONTRACT(http_chunked_body) {
  std::atomic<int> seen = 0;
  Server server = co_await rt.HttpServer([&seen](Request request) {
    ++seen;
    return Response{.body = request.body};
  });
  const std::string start = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string cut : {"5\r\nhel", "5\r\nhello\r\n", "no size\r\n"}) {
    const std::string all = start + cut;
    Stream stream = co_await rt.Connect(server.address());
    co_await stream.SendAll(all);
    stream.Shutdown();
    while (!(co_await stream.Recv(4096)).empty()) continue;
  }
  EXPECT_EQ(seen, 0);
  const std::string whole = start + "5;ext=1\r\nhello\r\n2\r\n\r\n\r\n0\r\nTrailer: t\r\n\r\n";
  Stream stream = co_await rt.Connect(server.address());
  co_await stream.SendAll(whole);
  co_await stream.RecvUntil("\r\n\r\n");
  EXPECT_EQ(co_await stream.RecvExactly(7), "hello\r\n");
  stream.Close();
  server.Close();
}

// A client that sends its body only when it is told to.
CONTRACT(http_continue) {
  Server server =
      co_await rt.HttpServer([](Request request) { return Response{.body = request.body}; });
  Stream stream = co_await rt.Connect(server.address());
  co_await stream.SendAll(
      "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  auto rest = [&stream]() -> Task<> {
    const std::string first = co_await stream.RecvUntil("\r\n\r\n");
    EXPECT_TRUE(first.starts_with("HTTP/1.1 100")) << first;
    co_await stream.SendAll("body");
    const std::string second = co_await stream.RecvUntil("\r\n\r\n");
    EXPECT_TRUE(second.starts_with("HTTP/1.1 200")) << second;
    EXPECT_EQ(co_await stream.RecvExactly(4), "body");
  };
  co_await rt.Timeout(10, rest);
  stream.Close();
  server.Close();
}

// The answer is what comes behind 100, in the same piece or in one of its own; 103 is one.
CONTRACT(http_answer_after_continue) {
  Listener listener = co_await rt.Listen();
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
  const std::vector<std::vector<std::string>> answers = {
      {go_on + answer}, {go_on, go_on, answer}, {go_on + hints}};
  auto serve = [&]() -> Task<> {
    for (const std::vector<std::string>& pieces : answers) {
      Stream stream = co_await listener.Accept();
      co_await stream.RecvUntil("\r\n\r\n");
      for (const std::string& piece : pieces) {
        co_await stream.SendAll(piece);
        co_await rt.Settle();  // until the client waits for more
      }
      stream.Close();
    }
  };
  TaskHandle<> server = rt.Spawn(serve);
  for (size_t i = 0; i < answers.size(); ++i) {
    const Response response =
        co_await rt.HttpRequest("GET", "http://" + listener.address().text() + "/");
    EXPECT_EQ(response.status, i < 2 ? 200 : 103);
    EXPECT_EQ(response.body, i < 2 ? "body" : "");
    EXPECT_EQ(response.headers.Has("Link"), i == 2);
  }
  co_await server.Join();
  listener.Close();
}

CONTRACT(http_broken_answers) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"", "reset"},
      {head + "Content-Length: 10\r\n\r\nabc", "end-of-stream"},
      {head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "end-of-stream"},
      {head + "Transfer-Encoding: chunked\r\n\r\nno size\r\n", "end-of-stream"},
      {std::string("\0 no status\r\n\r\n", 15), "other"}};
  Listener listener = co_await rt.Listen();
  auto serve = [&]() -> Task<> {
    for (const auto& [answer, family] : broken) {
      Stream stream = co_await listener.Accept();
      co_await stream.RecvUntil("\r\n\r\n");
      if (!answer.empty()) co_await stream.SendAll(answer);
      stream.Close();
    }
  };
  TaskHandle<> server = rt.Spawn(serve);
  for (const auto& [answer, family] : broken) {
    Value error;
    try {
      co_await rt.HttpRequest("GET", "http://" + listener.address().text() + "/");
    } catch (const std::exception& thrown) {
      error = ErrorValue(thrown);
    }
    const Json told = Json::parse(error.ToJson());
    EXPECT_EQ(GetString(told, "family"), family) << answer;
    EXPECT_TRUE(GetMember(told, "errno").is_null()) << answer;
  }
  co_await server.Join();
  listener.Close();
}

// HEAD, 204 and 304: a body would be taken for the next answer.
CONTRACT(http_answers_without_body) {
  Server server = co_await rt.HttpServer([](Request request) {
    return Response{.status = std::stoi(request.path.substr(1)), .body = "body"};
  });
  const std::vector<std::string> asked = {"HEAD /200", "GET /204", "GET /304", "GET /200"};
  std::string all;
  for (const std::string& one : asked) all += one + " HTTP/1.1\r\nHost: x\r\n\r\n";
  Stream stream = co_await rt.Connect(server.address());
  co_await stream.SendAll(all);
  for (const std::string& one : asked) {
    const std::string head = co_await stream.RecvUntil("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 " + one.substr(one.size() - 3))) << head;
  }
  EXPECT_EQ(co_await stream.RecvExactly(4), "body");
  stream.Close();
  server.Close();
}

CONTRACT(http_server_address) {
  Server server = co_await rt.HttpServer([](Request) { return Response{.status = 204}; });
  EXPECT_EQ("http://" + server.address().text(), server.url());
  Stream stream = co_await rt.Connect(server.address());
  co_await stream.SendAll("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ((co_await stream.RecvUntil(' ')).substr(0, 5), "HTTP/");
  server.Close();
}

CONTRACT(http_handler_waits) {
  Event release = rt.Event();
  Server server = co_await rt.HttpServer([&release](Request request) -> Task<Response> {
    if (request.path == "/slow") co_await release.Wait();
    co_return Response{.body = request.path};
  });
  TaskHandle<> slow =
      rt.Spawn([&]() -> Task<> { co_await rt.HttpRequest("GET", server.url() + "/slow"); });
  co_await rt.Settle();
  EXPECT_EQ((co_await rt.HttpRequest("GET", server.url() + "/fast")).body, "/fast");
  EXPECT_FALSE(slow.Done());
  release.Set();
  co_await slow.Join();
  server.Close();
}

CONTRACT_WITH_RECORDS(http_handler_raises) {
  Server server = co_await rt.HttpServer(
      [](Request) -> Response { throw std::runtime_error("in the handler"); });
  EXPECT_EQ((co_await rt.HttpRequest("GET", server.url() + "/")).status, 500);
  server.Close();
}
CONTRACT_RECORDS(http_handler_raises) {
  const Recorded exception = recording.One(TRIREME_EXCEPTION);
  EXPECT_EQ(exception.key, "handler");
  EXPECT_EQ(exception.json()["message"], "in the handler");
}

Task<bool> IsRefused(Runtime& rt, std::string method, std::string url) {
  try {
    co_await rt.HttpRequest(method, url);
  } catch (const std::invalid_argument&) {
    co_return true;
  }
  co_return false;
}

CONTRACT(http_request_refuses_what_cannot_be_sent) {
  Server server = co_await rt.HttpServer([](Request request) {
    Response response;
    response.body = request.method;
    return response;
  });
  const std::string good = server.url() + "/a%20b?c#d";
  for (const std::string& url : {std::string(), std::string("nowhere"), std::string("http://"),
                                 std::string("https://localhost/"), server.url() + "/a b",
                                 server.url() + "/\r\nX: y", server.url() + "/\xc3\xa9"})
    EXPECT_TRUE(co_await IsRefused(rt, "GET", url)) << url;
  for (const char* method : {"", "GET /", "GET\r\nX: y", "GET:", "G\xc3\x89T"})
    EXPECT_TRUE(co_await IsRefused(rt, method, good)) << method;
  EXPECT_EQ((co_await rt.HttpRequest("M-SEARCH", good)).body, "M-SEARCH");
}

CONTRACT(http_refused_after_close) {
  Server server = co_await rt.HttpServer([](Request) { return Response{}; });
  const std::string url = server.url() + "/";
  EXPECT_EQ((co_await rt.HttpRequest("GET", url)).status, 200);
  server.Close();
  server.Close();
  EXPECT_EQ(co_await ErrnoOf([&] { return rt.HttpRequest("GET", url); }), ECONNREFUSED);
}

CONTRACT(http_unknown_host_refused) {
  Listener listener = co_await rt.Listen();
  const std::string url = "http://" + listener.address().text() + "/";
  listener.Close();
  EXPECT_EQ(co_await ErrnoOf([&] { return rt.HttpRequest("GET", url); }), ECONNREFUSED);
}

CONTRACT(offload_runs_elsewhere) {
  const std::thread::id here = std::this_thread::get_id();
  EXPECT_NE(co_await rt.Offload([](int) { return std::this_thread::get_id(); }, 1), here);
  EXPECT_TRUE(co_await Raises<std::runtime_error>(
      [&] { return rt.Offload([] { throw std::runtime_error("elsewhere"); }); }));
}

CONTRACT(offload_lets_others_run) {
  std::atomic<bool> release = false;
  TaskHandle<> other = rt.Spawn([&] { release = true; });
  co_await rt.Offload([&] {
    while (!release) std::this_thread::yield();
  });
  co_await other.Join();
}

CONTRACT(subprocess_output) {
  const Completed done =
      co_await rt.Subprocess({"sh", "-c", "cat; echo problem >&2; exit 3"}, "fed in");
  EXPECT_EQ(done.out, "fed in");
  EXPECT_EQ(done.err, "problem\n");
  EXPECT_EQ(done.returncode, 3);
}

CONTRACT(subprocess_status) {
  EXPECT_EQ((co_await rt.Subprocess({"false"})).returncode, 1);
  EXPECT_EQ((co_await rt.Subprocess({"sh", "-c", "kill -TERM $$"})).returncode, -SIGTERM);
}

CONTRACT(subprocess_missing_program) {
  EXPECT_EQ(co_await ErrnoOf([&] { return rt.Subprocess({"no-such-program-here"}); }), ENOENT);
}

CONTRACT(subprocess_of_nothing) {
  bool refused = false;
  try {
    co_await rt.Subprocess(std::vector<std::string>{});
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  EXPECT_TRUE(refused);
}

CONTRACT(subprocess_large_output) {
  const std::string data(1 << 20, 'd');
  const Completed done = co_await rt.Subprocess({"cat"}, data);
  EXPECT_TRUE(done.out == data) << done.out.size();
}

CONTRACT(subprocess_unread_input) {
  for (const size_t size : {size_t{5}, size_t{1} << 20}) {
    const std::vector<std::string> argv = {"sh", "-c", "exec <&-; echo out"};
    const Completed done = co_await rt.Subprocess(argv, std::string(size, 'd'));
    EXPECT_EQ(done.out, "out\n");
    EXPECT_EQ(done.returncode, 0);
  }
}

CONTRACT(resolve_localhost) {
  const std::vector<std::string> found = co_await rt.Resolve("localhost");
  EXPECT_THAT(found, testing::AnyOf(testing::Contains("127.0.0.1"), testing::Contains("::1")));
}

CONTRACT_WITH_RECORDS(resolve_fails) {
  try {
    co_await rt.Resolve("nothing-here.invalid");
  } catch (const ResolveError& error) {
    rt.Op("resolve").Fail(error);
  }
}
CONTRACT_RECORDS(resolve_fails) {
  const Json error = recording.One(TRIREME_FAIL, "resolve").json();
  EXPECT_EQ(error["error"], "trireme::ResolveError");
  EXPECT_EQ(error["family"], "other");
  EXPECT_THAT(error["errno"].get<int>(), testing::AnyOf(EAI_NONAME, EAI_AGAIN));
}

CONTRACT(periodic_ticks) {
  std::atomic<int> ticks = 0;
  TaskHandle<> periodic = rt.Periodic(0.002, [&] { ++ticks; });
  while (ticks < 3) co_await rt.Sleep(0.001);
  periodic.Cancel();
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return periodic.Join(); }));
  const int then = ticks;
  co_await rt.Sleep(0.01);
  EXPECT_EQ(ticks, then);
}

CONTRACT(periodic_does_not_overlap) {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> ticks = 0;
  TaskHandle<> periodic = rt.Periodic(0.001, [&]() -> Task<> {
    most = std::max(most.load(), ++inside);
    co_await rt.Sleep(0.005);
    --inside;
    ++ticks;
  });
  while (ticks < 3) co_await rt.Sleep(0.001);
  periodic.Cancel();
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return periodic.Join(); }));
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace trireme
