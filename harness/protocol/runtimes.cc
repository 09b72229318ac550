#include "harness/protocol/runtimes.h"

#include <array>

namespace trireme {
namespace {

constexpr std::array<RuntimeInfo, 7> kRuntimes = {{
    {"eventlet", "green", "python", true, false, "epolls",
     "Eventlet, monkey-patched, epolls hub; GreenThread; eventlet.wsgi"},
    {"eventlet-asyncio", "green", "python", true, false, "asyncio",
     "Eventlet, monkey-patched, asyncio hub; GreenThread, spawn_for_awaitable; eventlet.wsgi"},
    {"threading", "native", "python", true, false, "",
     "threading.Thread, concurrent.futures; http.server, http.client"},
    {"asyncio", "async", "python", false, false, "",
     "asyncio.Task; start_server with h11, asyncio.subprocess"},
    {"thread", "native", "cpp", false, true, "", "std::jthread, blocking sockets; Boost.Beast"},
    {"fiber", "green", "cpp", false, false, "", "Boost.Fiber with an epoll reactor; Boost.Beast"},
    {"coroutine", "async", "cpp", false, false, "", "C++20 coroutines on Boost.Asio; Boost.Beast"},
}};

}  // namespace

std::span<const RuntimeInfo> Runtimes() { return kRuntimes; }

const RuntimeInfo* FindRuntime(std::string_view name) {
  for (const RuntimeInfo& runtime : kRuntimes)
    if (runtime.name == name) return &runtime;
  return nullptr;
}

}  // namespace trireme
