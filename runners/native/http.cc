// HTTP/1.1 over Stream, the same code for all runtimes of C++: Boost.Beast parses and serializes,
// the runtime waits.
#include <algorithm>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "runners/sdk/exceptions.h"
#include "runners/sdk/point.h"
#include "runners/sdk/probe.h"
#include "trireme/runtime.h"

namespace trireme {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr size_t kReadSize = 16 * 1024;
constexpr unsigned kVersion = 11;

// What came is no HTTP.
class BadMessage : public std::runtime_error {
 public:
  BadMessage(const std::string& what, bool in_body)
      : std::runtime_error("bad HTTP message: " + what), in_body_(in_body) {}
  bool in_body() const { return in_body_; }

 private:
  bool in_body_;
};

bool SameName(std::string_view left, std::string_view right) {
  return std::equal(
      left.begin(), left.end(), right.begin(), right.end(),
      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

std::string ToString(boost::beast::string_view text) {
  return std::string(text.data(), text.size());
}

template <typename Fields>
Headers ToHeaders(const Fields& fields) {
  Headers headers;
  for (const auto& field : fields)
    headers.Add(ToString(field.name_string()), ToString(field.value()));
  return headers;
}

template <typename Message>
std::string Serialize(const Message& message) {
  std::ostringstream text;
  text << message;
  return text.str();
}

// Tells a client that sends its body only when it is told to. Once: `told` is kept for the message.
template <typename Parser>
Task<> TellToContinue(Stream& stream, const Parser& parser, bool& told) {
  if (told || !parser.is_header_done()) co_return;
  told = true;
  if (SameName(ToString(parser.get()[http::field::expect]), "100-continue"))
    co_await stream.SendAll("HTTP/1.1 100 Continue\r\n\r\n", internal::Place::Same());
}

// Feeds `parser` with what the stream brings until it has a whole message. What comes after it
// stays in `rest`: the next message of a client that does not wait for answers. False: the peer
// ended before a message began.
template <typename Parser>
Task<bool> ReadMessage(Stream& stream, Parser& parser, std::string& rest) {
  parser.eager(true);
  // Not boost::none, which Boost 1.74 takes for a limit of nothing.
  parser.body_limit(std::numeric_limits<uint64_t>::max());
  bool told = false;
  while (!parser.is_done()) {
    boost::system::error_code error;
    const size_t used = parser.put(asio::buffer(rest), error);
    rest.erase(0, used);
    if constexpr (Parser::is_request::value) co_await TellToContinue(stream, parser, told);
    if (parser.is_done()) break;
    if (error && error != http::error::need_more)
      throw BadMessage(error.message(), parser.is_header_done());
    if (used > 0 && !rest.empty()) continue;
    const std::string data = co_await stream.Recv(kReadSize, internal::Place::Same());
    rest += data;
    if (!data.empty()) continue;
    if (!parser.got_some()) co_return false;
    parser.put_eof(error);
    if (error) throw EndOfStream();
  }
  co_return true;
}

std::string ToWire(const Response& response, bool keep_alive) {
  http::response<http::string_body> message;
  message.version(kVersion);
  message.result(static_cast<unsigned>(response.status));
  for (const auto& [name, value] : response.headers.fields()) message.insert(name, value);
  message.body() = response.body;
  message.keep_alive(keep_alive);
  message.prepare_payload();
  return Serialize(message);
}

// The handler's answer; 500, and an EXCEPTION, for what it throws. What stops this task passes.
Task<Response> Answer(std::shared_ptr<internal::HttpHandler> handler, Request request) {
  std::exception_ptr error;
  try {
    co_return co_await handler->Handle(std::move(request));
  } catch (const Cancelled&) {
    throw;
  } catch (...) {
    error = std::current_exception();
  }
  Record(TRIREME_EXCEPTION, 0, "handler", ErrorValue(error));
  co_return Response{.status = 500, .body = "internal server error"};
}

Task<bool> ServeRequest(Stream& stream, std::string& rest,
                        std::shared_ptr<internal::HttpHandler> handler) {
  http::request_parser<http::string_body> parser;
  if (!co_await ReadMessage(stream, parser, rest)) co_return false;
  auto message = parser.release();
  const bool keep_alive = message.keep_alive();
  // Named, since g++ 12 destroys a braced temporary of an awaited call twice (GCC bug 98056 and its
  // kin).
  Request request{.method = ToString(message.method_string()),
                  .path = ToString(message.target()),
                  .headers = ToHeaders(message),
                  .body = std::move(message.body())};
  const bool head = message.method() == http::verb::head;
  Response response = co_await Answer(std::move(handler), std::move(request));
  if (head || response.status == 204 || response.status == 304) response.body.clear();
  const std::string wire = ToWire(response, keep_alive);
  co_await stream.SendAll(wire, internal::Place::Same());
  co_return keep_alive;
}

// A peer that goes away, or sends what is no HTTP, is not this side's error.
Task<> ServeConnection(Stream stream, std::shared_ptr<internal::HttpHandler> handler) {
  std::string rest;
  bool bad_request = false;
  try {
    while (co_await ServeRequest(stream, rest, handler)) continue;
  } catch (const IoError&) {
  } catch (const EndOfStream&) {
  } catch (const BadMessage&) {
    bad_request = true;
  }
  if (bad_request) {
    const std::string wire = ToWire({.status = 400, .body = "bad request"}, false);
    try {
      co_await stream.SendAll(wire, internal::Place::Same());
    } catch (const IoError&) {
    }
  }
  stream.Close();
}

// What accept(2) says of one connection, or of what there is not enough of now: a server that ended by it would end by
// the first burst of clients.
bool IsPassing(int error) {
  return error == ECONNABORTED || error == ECONNRESET || error == EPROTO || error == EMFILE ||
         error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

constexpr double kAcceptPause =
    0.1;  // seconds: one that tried again at once would burn its processor

// Nothing once the listener is closed.
Task<std::optional<Stream>> AcceptNext(Runtime& rt, Listener& listener) {
  for (;;) {
    try {
      co_return co_await listener.Accept();
    } catch (const IoError& error) {
      if (error.error_number() == EBADF) co_return std::nullopt;
      if (!IsPassing(error.error_number())) throw;
    }
    co_await rt.Sleep(kAcceptPause, internal::Place::Same());
  }
}

// Ends them as a task that waits, however often it is stopped meanwhile. Were it left to the handles' destructors, on the
// coroutine runtime the loop would run on top of this task, and whoever it resumes could wait for this task there: each
// would then wait for the other.
Task<> EndAll(std::vector<TaskHandle<>>& connections) {
  for (TaskHandle<>& connection : connections) connection.Cancel();
  for (TaskHandle<>& connection : connections) {
    while (!connection.Done()) {
      try {
        co_await internal::WaitEnd(connection.state());
      } catch (const Cancelled&) {
      }
    }
  }
}

Task<> AcceptAll(Runtime& rt, Listener& listener, std::shared_ptr<internal::HttpHandler> handler,
                 std::vector<TaskHandle<>>& connections) {
  while (std::optional<Stream> stream = co_await AcceptNext(rt, listener)) {
    std::erase_if(connections, [](const TaskHandle<>& connection) { return connection.Done(); });
    try {
      connections.push_back(
          rt.Spawn("http-connection", ServeConnection, *std::move(stream), handler));
    } catch (const std::system_error&) {
      // There is no thread to be had: that is the end of this connection alone, as in Python's socketserver.
    }
  }
}

// Holds its connections' tasks, so that they are cancelled and ended with it.
Task<> ServeListener(Runtime& rt, Listener listener,
                     std::shared_ptr<internal::HttpHandler> handler) {
  CurrentTaskState().serves = true;  // as in the servers of Python, where accept() is no point
  std::vector<TaskHandle<>> connections;
  std::exception_ptr error;
  try {
    co_await AcceptAll(rt, listener, std::move(handler), connections);
  } catch (...) {
    error = std::current_exception();
  }
  co_await EndAll(connections);
  if (error) std::rethrow_exception(error);
}

constexpr std::string_view kSeparators = "\"(),/:;<=>?@[\\]{}";  // RFC 9110: in no token

struct Target {
  std::string host;
  int port = 80;
  std::string path = "/";
};

bool IsVisible(char c) { return c > ' ' && c < 0x7f; }

void CheckMethod(const std::string& method) {
  const auto is_of_word = [](char c) {
    return IsVisible(c) && kSeparators.find(c) == std::string_view::npos;
  };
  if (method.empty() || !std::ranges::all_of(method, is_of_word))
    throw std::invalid_argument("not a method, which is one word: " + method);
}

Target ParseUrl(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme) || url.size() == kScheme.size() ||
      !std::ranges::all_of(url, IsVisible))
    throw std::invalid_argument("not an http:// address in ASCII, quoted where need be: " + url);
  const size_t slash = url.find('/', kScheme.size());
  Target target;
  target.host =
      url.substr(kScheme.size(), slash == std::string::npos ? slash : slash - kScheme.size());
  if (slash != std::string::npos) target.path = url.substr(slash);
  if (const size_t colon = target.host.rfind(':');
      colon != std::string::npos && target.host.back() != ']') {
    target.port = std::stoi(target.host.substr(colon + 1));
    target.host.resize(colon);
  }
  return target;
}

bool IsNumeric(const std::string& host) {
  return host.find_first_not_of("0123456789.") == std::string::npos ||
         host.find(':') != std::string::npos;
}

}  // namespace

namespace internal {

class ServerCore {
 public:
  ServerCore(Runtime& rt, Listener listener, std::shared_ptr<HttpHandler> handler)
      : listener_(std::move(listener)),
        url_("http://" + listener_.address().text()),
        task_(rt.Spawn("http-server", ServeListener, rt, listener_, std::move(handler))) {}
  ~ServerCore() { Close(); }

  const std::string& url() const { return url_; }
  const Address& address() const { return listener_.address(); }
  void Close() {
    listener_.Close();
    task_.Cancel();
  }

 private:
  Listener listener_;
  std::string url_;
  TaskHandle<> task_;
};

}  // namespace internal

const std::string& Server::url() const { return core_->url(); }
const Address& Server::address() const { return core_->address(); }
void Server::Close() { core_->Close(); }

bool Headers::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [name](const auto& field) { return SameName(field.first, name); });
}

std::string Headers::Get(std::string_view name) const {
  for (const auto& [field, value] : fields_)
    if (SameName(field, name)) return value;
  return "";
}

Task<Server> Runtime::ServeHttp(std::shared_ptr<internal::HttpHandler> handler) {
  Listener listener = co_await Listen();
  co_return Server(
      std::make_shared<internal::ServerCore>(*this, std::move(listener), std::move(handler)));
}

namespace {

// The answer to a request. 100 is not it, any other 1xx is, and what is wrong with the body is an end of the stream: as in
// Python's http.client.
Task<http::response<http::string_body>> ReadAnswer(Stream& stream, bool head) {
  std::string rest;
  for (;;) {
    http::response_parser<http::string_body> parser;
    parser.skip(head);
    try {
      if (!co_await ReadMessage(stream, parser, rest)) throw NoReply();
    } catch (const BadMessage& error) {
      if (!error.in_body()) throw;
      throw EndOfStream();
    }
    if (parser.get().result() != http::status::continue_) co_return parser.release();
  }
}

}  // namespace

Task<Response> Runtime::HttpRequest(std::string method, std::string url, std::string body,
                                    internal::Place place) {
  internal::ComeTo(place);
  CheckMethod(method);
  Target target = ParseUrl(url);
  std::string host = target.host;
  if (!IsNumeric(host) && host != "localhost") host = (co_await Resolve(host, place)).front();
  Stream stream = co_await Connect(Address(host, target.port), place);
  http::request<http::string_body> request;
  request.version(kVersion);
  request.method_string(method);
  request.target(target.path);
  request.set(http::field::host, target.host);
  request.keep_alive(false);
  request.body() = std::move(body);
  if (!request.body().empty() || method == "POST" || method == "PUT") request.prepare_payload();
  const std::string wire = Serialize(request);
  co_await stream.SendAll(wire, internal::Place::Same());
  auto response = co_await ReadAnswer(stream, method == "HEAD");
  stream.Close();
  Headers headers = ToHeaders(response);
  co_return Response{.status = static_cast<int>(response.result_int()),
                     .body = std::move(response.body()),
                     .headers = std::move(headers)};
}

}  // namespace trireme
