#ifndef TRIREME_WORKLOAD_HTTP_H_
#define TRIREME_WORKLOAD_HTTP_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trireme/streams.h"
#include "trireme/task.h"

namespace trireme {

// Fields of an HTTP message, in their order; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  bool Has(std::string_view name) const;
  // The first of that name, or "".
  std::string Get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;
  std::string path;
  Headers headers;
  std::string body;
};

struct Response {
  int status = 200;
  std::string body = {};
  Headers headers = {};
};

namespace internal {
class ServerCore;

struct HttpHandler {
  virtual ~HttpHandler() = default;
  virtual Task<Response> Handle(Request request) = 0;
};

template <typename F>
struct HttpHandlerOf final : HttpHandler {
  explicit HttpHandlerOf(F function) : fn(std::move(function)) {}
  Task<Response> Handle(Request request) override {
    if constexpr (kIsTask<decltype(fn(std::move(request)))>)
      return fn(std::move(request));
    else
      return Task<Response>::Ready(fn(std::move(request)));
  }
  F fn;
};
}  // namespace internal

// An HTTP/1.1 server with keep-alive and pipelining: a handle that serves until the last copy is
// gone, or Close().
class Server {
 public:
  explicit Server(std::shared_ptr<internal::ServerCore> core) : core_(std::move(core)) {}
  // "http://127.0.0.1:8080", without a slash at its end.
  const std::string& url() const;
  // Where it listens, for streams of one's own.
  const Address& address() const;
  // New connections are refused from now on; requests under way are cancelled. Twice is fine.
  void Close();

 private:
  std::shared_ptr<internal::ServerCore> core_;
};

}  // namespace trireme

#endif  // TRIREME_WORKLOAD_HTTP_H_
